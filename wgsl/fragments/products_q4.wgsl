// Products with weights in q4; see weights_q4. A code becomes a float without a conversion, which GPUs do slowly: as the lowest
// bits that a number of the right size has, which is then subtracted.
const UNIT: u32 = 8u;                                  // quads of a word
const STEP: u32 = 65u;                                 // 512 quads in words, and one against bank conflicts
fn low(q: u32) -> vec4<f32> {                          // the lower halves of the bytes
    let codes = vec4<u32>(q, q, q, q >> 16u) & vec4<u32>(0xfu, 0xf00u, 0xf0000u, 0xf00u);
    return bitcast<vec4<f32>>(codes | vec4<u32>(0x4b000000u, 0x47000000u, 0x43000000u, 0x47000000u))
        - vec4<f32>(8388608.0, 32768.0, 128.0, 32768.0);
}
fn high(q: u32) -> vec4<f32> {
    let codes = vec4<u32>(q, q, q >> 16u, q >> 16u) & vec4<u32>(0xf0u, 0xf000u, 0xf0u, 0xf000u);
    return bitcast<vec4<f32>>(codes | vec4<u32>(0x49000000u, 0x45000000u, 0x49000000u, 0x45000000u))
        - vec4<f32>(524288.0, 2048.0, 524288.0, 2048.0);
}
fn pair(q: u32, lo: vec4<f32>, hi: vec4<f32>) -> f32 { return dot(low(q), lo) + dot(high(q), hi); }
fn product(row: u32, c: u32, sum: f32, x0: vec4<f32>, x1: vec4<f32>, x2: vec4<f32>, x3: vec4<f32>,
    x4: vec4<f32>, x5: vec4<f32>, x6: vec4<f32>, x7: vec4<f32>) -> f32 {
    let q = w[row + c];
    let s = params(row, c);
    let d = (pair(q.x, x0, x4) + pair(q.y, x1, x5)) + (pair(q.z, x2, x6) + pair(q.w, x3, x7));
    return s.x * (d - s.y * sum);
}
// products are those of word c of four rows with what x holds for it: given is a quad of that.
fn products(row: vec4<u32>, c: u32, at: u32) -> vec4<f32> {
    let x0 = given(at, c, 0u);
    let x1 = given(at, c, 1u);
    let x2 = given(at, c, 2u);
    let x3 = given(at, c, 3u);
    let x4 = given(at, c, 4u);
    let x5 = given(at, c, 5u);
    let x6 = given(at, c, 6u);
    let x7 = given(at, c, 7u);
    let all = ((x0 + x1) + (x2 + x3)) + ((x4 + x5) + (x6 + x7));
    let sum = (all.x + all.y) + (all.z + all.w);
    return vec4<f32>(product(row.x, c, sum, x0, x1, x2, x3, x4, x5, x6, x7), product(row.y, c, sum, x0, x1, x2, x3, x4, x5, x6, x7),
        product(row.z, c, sum, x0, x1, x2, x3, x4, x5, x6, x7), product(row.w, c, sum, x0, x1, x2, x3, x4, x5, x6, x7));
}

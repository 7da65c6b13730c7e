// Products with weights in q4; see weights_q4.
const UNIT: u32 = 8u;                                  // quads of a word
const STEP: u32 = 65u;                                 // 512 quads in words, and one against bank conflicts
fn bytes(q: u32) -> vec4<f32> { return vec4<f32>(vec4<u32>(q & 255u, (q >> 8u) & 255u, (q >> 16u) & 255u, q >> 24u)); }
fn pair(q: u32, lo: vec4<f32>, hi: vec4<f32>) -> f32 {
    return dot(bytes(q & 0x0f0f0f0fu), lo) + dot(bytes((q >> 4u) & 0x0f0f0f0fu), hi);
}
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

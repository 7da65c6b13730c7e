// Products with weights in q4; see weights_q4.
fn pair(q: u32, lo: vec4<f32>, hi: vec4<f32>) -> f32 {
    return dot(unpack4x8unorm(q & 0x0f0f0f0fu), lo) + dot(unpack4x8unorm((q >> 4u) & 0x0f0f0f0fu), hi);
}
fn product(row: u32, c: u32, sum: f32, x0: vec4<f32>, x1: vec4<f32>, x2: vec4<f32>, x3: vec4<f32>,
    x4: vec4<f32>, x5: vec4<f32>, x6: vec4<f32>, x7: vec4<f32>) -> f32 {
    let q = w[row + c];
    let s = params(row, c);
    let d = (pair(q.x, x0, x4) + pair(q.y, x1, x5)) + (pair(q.z, x2, x6) + pair(q.w, x3, x7));
    return s.x * (255.0 * d - s.y * sum);
}
// products are those of word c of four rows with what x holds from quad at on.
fn products(row: vec4<u32>, c: u32, at: u32) -> vec4<f32> {
    let i = at + c * 8u;
    let x0 = x[i];
    let x1 = x[i + 1u];
    let x2 = x[i + 2u];
    let x3 = x[i + 3u];
    let x4 = x[i + 4u];
    let x5 = x[i + 5u];
    let x6 = x[i + 6u];
    let x7 = x[i + 7u];
    let all = ((x0 + x1) + (x2 + x3)) + ((x4 + x5) + (x6 + x7));
    let sum = (all.x + all.y) + (all.z + all.w);
    return vec4<f32>(product(row.x, c, sum, x0, x1, x2, x3, x4, x5, x6, x7), product(row.y, c, sum, x0, x1, x2, x3, x4, x5, x6, x7),
        product(row.z, c, sum, x0, x1, x2, x3, x4, x5, x6, x7), product(row.w, c, sum, x0, x1, x2, x3, x4, x5, x6, x7));
}

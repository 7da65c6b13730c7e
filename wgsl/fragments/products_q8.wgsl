// Products with weights in q8; see weights_q8.
fn product(row: u32, c: u32, x0: vec4<f32>, x1: vec4<f32>, x2: vec4<f32>, x3: vec4<f32>) -> f32 {
    let q = w[row + c];
    return scale(row, c >> 1u) * ((dot(unpack4x8snorm(q.x), x0) + dot(unpack4x8snorm(q.y), x1))
        + (dot(unpack4x8snorm(q.z), x2) + dot(unpack4x8snorm(q.w), x3)));
}
// products are those of word c of four rows with what x holds from quad at on.
fn products(row: vec4<u32>, c: u32, at: u32) -> vec4<f32> {
    let i = at + c * 4u;
    let x0 = x[i];
    let x1 = x[i + 1u];
    let x2 = x[i + 2u];
    let x3 = x[i + 3u];
    return vec4<f32>(product(row.x, c, x0, x1, x2, x3), product(row.y, c, x0, x1, x2, x3),
        product(row.z, c, x0, x1, x2, x3), product(row.w, c, x0, x1, x2, x3));
}

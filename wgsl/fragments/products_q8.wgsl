// Products with weights in q8; see weights_q8. A code becomes a float without a conversion, as in products_q4: what it is above
// −128 are the lowest bits of 2²³ or 2¹⁵ and that.
const UNIT: u32 = 4u;                                  // quads of a word
const STEP: u32 = 129u;                                // 512 quads in words, and one against bank conflicts
fn codes(q: u32) -> vec4<f32> {
    let bytes = vec4<u32>(q, q, q >> 16u, q >> 16u) & vec4<u32>(0xffu, 0xff00u, 0xffu, 0xff00u);
    return bitcast<vec4<f32>>(bytes ^ vec4<u32>(0x4b000080u, 0x47008000u, 0x4b000080u, 0x47008000u))
        - vec4<f32>(8388736.0, 32896.0, 8388736.0, 32896.0);
}
fn product(row: u32, c: u32, x0: vec4<f32>, x1: vec4<f32>, x2: vec4<f32>, x3: vec4<f32>) -> f32 {
    let q = w[row + c];
    return scale(row, c >> 1u) * 0.007874016 * ((dot(codes(q.x), x0) + dot(codes(q.y), x1))
        + (dot(codes(q.z), x2) + dot(codes(q.w), x3)));
}
// products are those of word c of four rows with what x holds for it: given is a quad of that.
fn products(row: vec4<u32>, c: u32, at: u32) -> vec4<f32> {
    let x0 = given(at, c, 0u);
    let x1 = given(at, c, 1u);
    let x2 = given(at, c, 2u);
    let x3 = given(at, c, 3u);
    return vec4<f32>(product(row.x, c, x0, x1, x2, x3), product(row.y, c, x0, x1, x2, x3),
        product(row.z, c, x0, x1, x2, x3), product(row.w, c, x0, x1, x2, x3));
}

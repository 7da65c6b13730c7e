// Products with weights in q8; see weights_q8. A code becomes a float without a conversion, as in products_q4: what it is above
// −128 are the lowest bits of 2²³ or 2¹⁵ and that.
const UNIT: u32 = 4u;                                  // quads of a word
fn codes(q: u32) -> vec4<f32> {
    let bytes = vec4<u32>(q, q, q >> 16u, q >> 16u) & vec4<u32>(0xffu, 0xff00u, 0xffu, 0xff00u);
    return bitcast<vec4<f32>>(bytes ^ vec4<u32>(0x4b000080u, 0x47008000u, 0x4b000080u, 0x47008000u))
        - vec4<f32>(8388736.0, 32896.0, 8388736.0, 32896.0);
}
// Given is what x holds for a word, taken once for however many rows: given is a quad of it.
struct Given { x0: vec4<f32>, x1: vec4<f32>, x2: vec4<f32>, x3: vec4<f32> }
fn take(c: u32, at: u32) -> Given { return Given(given(at, c, 0u), given(at, c, 1u), given(at, c, 2u), given(at, c, 3u)); }
fn product(q: vec4<u32>, g: Given) -> f32 {
    return (dot(codes(q.x), g.x0) + dot(codes(q.y), g.x1)) + (dot(codes(q.z), g.x2) + dot(codes(q.w), g.x3));
}
// Four are a word of each of four rows: fetch takes word c of these, products multiplies them with what x holds for it.
struct Four { a: vec4<u32>, b: vec4<u32>, c: vec4<u32>, d: vec4<u32>, scales: vec4<f32> }
fn fetch(row: vec4<u32>, c: u32) -> Four {
    return Four(w[row.x + c], w[row.y + c], w[row.z + c], w[row.w + c],
        vec4<f32>(scale(row.x, c >> 1u), scale(row.y, c >> 1u), scale(row.z, c >> 1u), scale(row.w, c >> 1u)));
}
fn products(q: Four, g: Given) -> vec4<f32> {
    return q.scales * 0.007874016 * vec4<f32>(product(q.a, g), product(q.b, g), product(q.c, g), product(q.d, g));
}

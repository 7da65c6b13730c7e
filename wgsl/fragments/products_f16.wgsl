// Products with weights in f16; see weights_f16.
fn product(q: vec4<u32>, a: vec4<f32>, b: vec4<f32>) -> f32 { return dot(widen(q.xy), a) + dot(widen(q.zw), b); }
// products are those of word c of four rows with what x holds from quad at on.
fn products(row: vec4<u32>, c: u32, at: u32) -> vec4<f32> {
    let a = x[at + c * 2u];
    let b = x[at + c * 2u + 1u];
    return vec4<f32>(product(w[row.x + c], a, b), product(w[row.y + c], a, b), product(w[row.z + c], a, b), product(w[row.w + c], a, b));
}

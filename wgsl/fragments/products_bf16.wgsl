// Products with weights in bf16; see weights_bf16.
const UNIT: u32 = 2u;                                  // quads of a word
const STEP: u32 = 257u;                                // 512 quads in words, and one against bank conflicts
fn product(q: vec4<u32>, a: vec4<f32>, b: vec4<f32>) -> f32 { return dot(widen(q.xy), a) + dot(widen(q.zw), b); }
// products are those of word c of four rows with what x holds for it: given is a quad of that.
fn products(row: vec4<u32>, c: u32, at: u32) -> vec4<f32> {
    let a = given(at, c, 0u);
    let b = given(at, c, 1u);
    return vec4<f32>(product(w[row.x + c], a, b), product(w[row.y + c], a, b), product(w[row.z + c], a, b), product(w[row.w + c], a, b));
}

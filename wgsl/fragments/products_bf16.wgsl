// Products with weights in bf16; see weights_bf16.
const UNIT: u32 = 2u;                                  // quads of a word
const STEP: u32 = 257u;                                // 512 quads in words, and one against bank conflicts
// Given is what x holds for a word, taken once for however many rows: given is a quad of it.
struct Given { a: vec4<f32>, b: vec4<f32> }
fn take(c: u32, at: u32) -> Given { return Given(given(at, c, 0u), given(at, c, 1u)); }
fn product(q: vec4<u32>, g: Given) -> f32 { return dot(widen(q.xy), g.a) + dot(widen(q.zw), g.b); }
// products are those of word c of four rows with that.
fn products(row: vec4<u32>, c: u32, g: Given) -> vec4<f32> {
    return vec4<f32>(product(w[row.x + c], g), product(w[row.y + c], g), product(w[row.z + c], g), product(w[row.w + c], g));
}

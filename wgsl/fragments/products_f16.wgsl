// Products with weights in f16; see weights_f16.
const UNIT: u32 = 2u;                                  // quads of a word
// Given is what x holds for a word, taken once for however many rows: given is a quad of it.
struct Given { a: vec4<f32>, b: vec4<f32> }
fn take(c: u32, at: u32) -> Given { return Given(given(at, c, 0u), given(at, c, 1u)); }
fn product(q: vec4<u32>, g: Given) -> f32 { return dot(widen(q.xy), g.a) + dot(widen(q.zw), g.b); }
// Four are a word of each of four rows: fetch takes word c of these, products multiplies them with what x holds for it.
struct Four { a: vec4<u32>, b: vec4<u32>, c: vec4<u32>, d: vec4<u32> }
fn fetch(row: vec4<u32>, c: u32) -> Four { return Four(w[row.x + c], w[row.y + c], w[row.z + c], w[row.w + c]); }
fn products(q: Four, g: Given) -> vec4<f32> { return vec4<f32>(product(q.a, g), product(q.b, g), product(q.c, g), product(q.d, g)); }

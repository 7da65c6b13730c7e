// Products with weights in f32; see weights_f32.
const UNIT: u32 = 1u;                                  // quads of a word
// Given is what x holds for a word, taken once for however many rows: given is a quad of it.
alias Given = vec4<f32>;
fn take(c: u32, at: u32) -> Given { return given(at, c, 0u); }
// Four are a word of each of four rows: fetch takes word c of these, products multiplies them with what x holds for it.
struct Four { a: vec4<f32>, b: vec4<f32>, c: vec4<f32>, d: vec4<f32> }
fn fetch(row: vec4<u32>, c: u32) -> Four { return Four(quad(row.x, c), quad(row.y, c), quad(row.z, c), quad(row.w, c)); }
fn products(q: Four, g: Given) -> vec4<f32> { return vec4<f32>(dot(q.a, g), dot(q.b, g), dot(q.c, g), dot(q.d, g)); }

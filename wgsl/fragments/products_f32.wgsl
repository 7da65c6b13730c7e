// Products with weights in f32; see weights_f32.
const UNIT: u32 = 1u;                                  // quads of a word
const STEP: u32 = 513u;                                // 512 quads in words, and one against bank conflicts
// Given is what x holds for a word, taken once for however many rows: given is a quad of it.
alias Given = vec4<f32>;
fn take(c: u32, at: u32) -> Given { return given(at, c, 0u); }
// products are those of word c of four rows with that.
fn products(row: vec4<u32>, c: u32, g: Given) -> vec4<f32> {
    return vec4<f32>(dot(quad(row.x, c), g), dot(quad(row.y, c), g), dot(quad(row.z, c), g), dot(quad(row.w, c), g));
}

// Products with weights in f32; see weights_f32.
const UNIT: u32 = 1u;                                  // quads of a word
const STEP: u32 = 513u;                                // 512 quads in words, and one against bank conflicts
// products are those of word c of four rows with what x holds for it: given is a quad of that.
fn products(row: vec4<u32>, c: u32, at: u32) -> vec4<f32> {
    let a = given(at, c, 0u);
    return vec4<f32>(dot(quad(row.x, c), a), dot(quad(row.y, c), a), dot(quad(row.z, c), a), dot(quad(row.w, c), a));
}

// Products with weights in f32; see weights_f32.
// products are those of word c of four rows with what x holds from quad at on.
fn products(row: vec4<u32>, c: u32, at: u32) -> vec4<f32> {
    let a = x[at + c];
    return vec4<f32>(dot(quad(row.x, c), a), dot(quad(row.y, c), a), dot(quad(row.z, c), a), dot(quad(row.w, c), a));
}

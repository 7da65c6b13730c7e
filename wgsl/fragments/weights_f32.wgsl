// Weights in f32: w holds four a word.
struct Eight { lo: vec4<f32>, hi: vec4<f32> }
fn eight(i: u32) -> Eight {                            // weights 8i .. 8i + 7
    return Eight(bitcast<vec4<f32>>(w[i * 2u]), bitcast<vec4<f32>>(w[i * 2u + 1u]));
}
fn four(i: u32) -> vec4<f32> { return bitcast<vec4<f32>>(w[i]); }  // weights 4i .. 4i + 3

// Weights in f32: a word of w holds four.
fn quad(row: u32, i: u32) -> vec4<f32> { return bitcast<vec4<f32>>(w[row + i]); }   // weights 4i .. 4i + 3

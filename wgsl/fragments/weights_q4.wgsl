// Weights in q4: a word of w holds a group of 32 codes, 4i .. 4i + 3 in the lower halves of component i's bytes, 16 + 4i .. in
// the upper; after a row's p.units words, two f16 for each group: a weight is the first times what its code is above the second.
fn scales(row: u32, g: u32) -> u32 { return w[row + p.units + (g >> 2u)][g & 3u]; }
fn quad(row: u32, i: u32) -> vec4<f32> {               // weights 4i .. 4i + 3
    let s = unpack2x16float(scales(row, i >> 3u));
    let codes = (w[row + (i >> 3u)][i & 3u] >> (i & 4u)) & 0x0f0f0f0fu;
    return s.x * (255.0 * unpack4x8unorm(codes) - s.y);
}

// Weights in q8: a word of w holds sixteen int8; after a row's p.units words, an f16 for each 32 of them, which stands for 127.
fn scale(row: u32, g: u32) -> f32 {
    return unpack2x16float(w[row + p.units + (g >> 3u)][(g >> 1u) & 3u] >> ((g & 1u) << 4u)).x;
}
fn quad(row: u32, i: u32) -> vec4<f32> {               // weights 4i .. 4i + 3
    return unpack4x8snorm(w[row + (i >> 2u)][i & 3u]) * scale(row, i >> 3u);
}

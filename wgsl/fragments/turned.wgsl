// turned is channel d of the head in workgroup memory, rotated by a row of the rope.
fn turned(row: u32, d: u32, rotary: u32) -> f32 {
    if d >= p.head_dim { return 0.0; }
    if d >= rotary { return head[d]; }
    let half = rotary / 2u;
    let pair = select(d % half, d / 2u, p.interleaved == 1u);
    let a = head[select(pair, 2u * pair, p.interleaved == 1u)];
    let b = head[select(pair + half, 2u * pair + 1u, p.interleaved == 1u)];
    let c = rope[row * p.rope_stride + pair];
    let s = rope[row * p.rope_stride + half + pair];
    let is_first = select(d < half, d % 2u == 0u, p.interleaved == 1u);
    return select(b * c + a * s, a * c - b * s, is_first);
}

// quad is channels d .. d + 3, zero past the head's end.
fn quad(row: u32, d: u32, rotary: u32) -> vec4<f32> {
    return vec4<f32>(turned(row, d, rotary), turned(row, d + 1u, rotary), turned(row, d + 2u, rotary),
        turned(row, d + 3u, rotary));
}

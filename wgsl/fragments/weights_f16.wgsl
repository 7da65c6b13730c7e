// Weights in f16: a word of w holds eight.
fn widen(q: vec2<u32>) -> vec4<f32> { return vec4<f32>(unpack2x16float(q.x), unpack2x16float(q.y)); }
fn quad(row: u32, i: u32) -> vec4<f32> {               // weights 4i .. 4i + 3
    let at = row + (i >> 1u);
    let half = (i & 1u) * 2u;
    return widen(vec2<u32>(w[at][half], w[at][half + 1u]));
}

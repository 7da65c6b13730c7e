// Weights in f16: a word of w holds eight.
fn widen(q: vec2<u32>) -> vec4<f32> { return vec4<f32>(unpack2x16float(q.x), unpack2x16float(q.y)); }
fn quad(row: u32, i: u32) -> vec4<f32> {               // weights 4i .. 4i + 3
    let q = w[row + (i >> 1u)];
    return widen(select(q.xy, q.zw, (i & 1u) == 1u));
}

// Weights in bf16, the upper half of an f32: a word of w holds eight.
fn widen(q: vec2<u32>) -> vec4<f32> {
    return bitcast<vec4<f32>>(vec4<u32>(q.x << 16u, q.x & 0xffff0000u, q.y << 16u, q.y & 0xffff0000u));
}
fn quad(row: u32, i: u32) -> vec4<f32> {               // weights 4i .. 4i + 3
    let at = row + (i >> 1u);
    let half = (i & 1u) * 2u;
    return widen(vec2<u32>(w[at][half], w[at][half + 1u]));
}

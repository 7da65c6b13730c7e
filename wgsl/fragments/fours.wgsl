// Quads of four tokens or rows at once.
// four are where four tokens' or rows' data begin, the last one's past the end.
fn four(first: u32, count: u32, stride: u32) -> vec4<u32> {
    return min(vec4<u32>(0u, 1u, 2u, 3u) + vec4<u32>(first), vec4<u32>(count - 1u)) * stride;
}

// tokens_quad is quad c of four tokens, a column each; rows_quad of four rows. Past the last quad they repeat it: tile_shared puts
// zeros in place of the tokens' then, once they have arrived.
fn tokens_quad(at: vec4<u32>, c: u32) -> mat4x4<f32> {
    let i = at + vec4<u32>(min(c, p.quads - 1u));
    return mat4x4<f32>(x[i.x], x[i.y], x[i.z], x[i.w]);
}
fn rows_quad(at: vec4<u32>, c: u32) -> mat4x4<f32> {
    let i = min(c, p.quads - 1u);
    return mat4x4<f32>(quad(at.x, i), quad(at.y, i), quad(at.z, i), quad(at.w, i));
}

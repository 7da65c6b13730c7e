// ssd_score: what ssd_tile needs of each tile of 32 tokens: for each group the products C_t·B_u with u up to t, for each head Δ,
// zero past the last token. One workgroup a tile and group, 4 × 4 products a thread. Twin: part of cpu.SSD.
struct Score {
    tokens: u32,
    heads: u32,
    groups: u32,
    states: u32,     // N in quads
    x_stride: u32,   // in quads, as the next two
    b_first: u32,    // the column of x for B
    c_first: u32,
    delta_stride: u32,
    delta_first: u32,
    has: u32,        // bits: 0 Δ, 1 its bias
    least: f32,
    most: f32,
}
@group(0) @binding(0) var<uniform> p: Score;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;            // [tokens][x_stride]
@group(0) @binding(2) var<storage, read> delta: array<f32>;              // [tokens][delta_stride]
@group(0) @binding(3) var<storage, read> delta_bias: array<f32>;         // [heads]
@group(0) @binding(4) var<storage, read_write> work: array<f32>;         // [tiles][groups][32][32], then [tiles][heads][32]

// @section softplus
fn softplus(x: f32) -> f32 { return log(1.0 + exp(x)); }
// @end

fn step(token: u32, head: u32) -> f32 {
    if token >= p.tokens { return 0.0; }
    if (p.has & 1u) == 0u { return 1.0; }
    var v = delta[token * p.delta_stride + p.delta_first + head];
    if (p.has & 2u) != 0u { v += delta_bias[head]; }
    return clamp(softplus(v), p.least, p.most);
}

// rows are where four tokens' rows begin; past the end the last token's.
fn rows(token: u32, column: u32) -> vec4<u32> {
    return min(vec4<u32>(token, token + 1u, token + 2u, token + 3u), vec4<u32>(p.tokens - 1u)) * p.x_stride + column;
}

fn put(at: u32, v: vec4<f32>) {
    for (var i = 0u; i < 4u; i++) { work[at + i] = v[i]; }
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(num_workgroups) tiles: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let first = wg.x * 32u;
    let share = p.heads / p.groups;
    for (var i = t; i < share * 32u; i += 64u) {
        let head = wg.y * share + i / 32u;
        work[tiles.x * p.groups * 1024u + (wg.x * p.heads + head) * 32u + i % 32u] = step(first + i % 32u, head);
    }
    let i = t / 8u;
    let j = t % 8u;
    if j > i { return; }
    let c = rows(first + i * 4u, p.c_first + wg.y * p.states);
    let b = rows(first + j * 4u, p.b_first + wg.y * p.states);
    var s0 = vec4<f32>();
    var s1 = vec4<f32>();
    var s2 = vec4<f32>();
    var s3 = vec4<f32>();
    for (var n = 0u; n < p.states; n++) {
        let b0 = x[b.x + n];
        let b1 = x[b.y + n];
        let b2 = x[b.z + n];
        let b3 = x[b.w + n];
        let c0 = x[c.x + n];
        let c1 = x[c.y + n];
        let c2 = x[c.z + n];
        let c3 = x[c.w + n];
        s0 += vec4<f32>(dot(c0, b0), dot(c0, b1), dot(c0, b2), dot(c0, b3));
        s1 += vec4<f32>(dot(c1, b0), dot(c1, b1), dot(c1, b2), dot(c1, b3));
        s2 += vec4<f32>(dot(c2, b0), dot(c2, b1), dot(c2, b2), dot(c2, b3));
        s3 += vec4<f32>(dot(c3, b0), dot(c3, b1), dot(c3, b2), dot(c3, b3));
    }
    let at = ((wg.x * p.groups + wg.y) * 32u + i * 4u) * 32u + j * 4u;
    put(at, s0);
    put(at + 32u, s1);
    put(at + 64u, s2);
    put(at + 96u, s3);
}

// attend_merge: y = Σ_s e^(top_s − top)·acc_s / Σ_s e^(top_s − top)·sum_s over the splits of attention; one workgroup a head
// and token: a split a thread for the sums, then a quad a thread of as many splits at once as there are threads for. Twin: cpu.Attend.
struct Merge {
    heads: u32,
    head_dim: u32,
    quads: u32,    // Dp/4, head_dim padded to quads
    splits: u32,
    first: u32,    // the token of y that token 0 of part is
    y_stride: u32,
    log_sum: u32,  // 1: ln Σ e^score is stored after all heads
}
@group(0) @binding(0) var<uniform> p: Merge;
@group(0) @binding(1) var<storage, read> part: array<vec4<f32>>;         // [tokens][heads][splits][Dp/4 acc, (top, sum, 2 unused)]
@group(0) @binding(2) var<storage, read_write> y: array<f32>;            // [tokens][heads][head_dim]
var<workgroup> stats: array<vec2<f32>, 256>;                             // top, Σ e^(top_s − top)·sum_s
var<workgroup> accs: array<vec4<f32>, 256>;

fn join(a: vec2<f32>, b: vec2<f32>) -> vec2<f32> {
    let top = max(a.x, b.x);
    return vec2<f32>(top, a.y * exp(a.x - top) + b.y * exp(b.x - top));
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let row = p.quads + 1u;
    let base = (wg.y * p.heads + wg.x) * p.splits * row;
    var mine = vec2<f32>(-1.0e30, 0.0);
    for (var s = t; s < p.splits; s += 256u) { mine = join(mine, part[base + s * row + p.quads].xy); }
    stats[t] = mine;
    workgroupBarrier();
    for (var n = 64u; n > 0u; n >>= 2u) {
        if t < n { stats[t] = join(join(stats[t], stats[t + n]), join(stats[t + 2u * n], stats[t + 3u * n])); }
        workgroupBarrier();
    }
    let top = stats[0].x;
    let sum = stats[0].y;
    let quad = t % p.quads;
    let shares = 256u / p.quads;
    var acc = vec4<f32>();
    for (var s = t / p.quads; s < select(0u, p.splits, t / p.quads < shares); s += shares) {
        let at = base + s * row;
        acc += part[at + quad] * exp(part[at + p.quads].x - top);
    }
    accs[t] = acc;
    workgroupBarrier();
    if t >= p.quads { return; }
    for (var i = 1u; i < shares; i++) { acc += accs[i * p.quads + t]; }
    acc *= select(0.0, 1.0 / sum, sum > 0.0);
    let at = (p.first + wg.y) * p.y_stride;
    for (var i = 4u * t; i < min(4u * t + 4u, p.head_dim); i++) { y[at + wg.x * p.head_dim + i] = acc[i % 4u]; }
    if t == 0u && p.log_sum == 1u { y[at + p.heads * p.head_dim + wg.x] = select(-1.0e30, top + log(sum), sum > 0.0); }
}

// expert_gate_up: y = act(g)·u with g, u = x·Wᵀ of an even row of W and the next, W being the chosen expert's; four rows of
// W a workgroup, the words of a row across its threads; z counts tokens × TopK. Twin: cpu.ExpertGateUp.
// Experts that this part of the stack lacks are left to the other parts.
struct Experts {
    words: u32,    // of a row of W
    units: u32,    // of these, with codes
    rows: u32,     // of an expert
    top_k: u32,
    first: u32,    // the part's first expert
    experts: u32,  // of the part
    x_stride: u32, // in quads
    y_stride: u32,
    routes_stride: u32,
    act: u32,
}
@group(0) @binding(0) var<uniform> p: Experts;
@group(0) @binding(1) var<storage, read> w: array<vec4<u32>>;            // [experts][rows][words]
@group(0) @binding(2) var<storage, read> x: array<vec4<f32>>;            // [tokens][x_stride]
@group(0) @binding(3) var<storage, read> routes: array<u32>;             // [tokens][top_k experts, ..]
@group(0) @binding(4) var<storage, read_write> y: array<f32>;            // [tokens·top_k][y_stride]
var<workgroup> sums: array<vec4<f32>, 64>;

// @section weights
fn quad(row: u32, i: u32) -> vec4<f32> { return bitcast<vec4<f32>>(w[row + i]); }
// @end
// @section products
const UNIT: u32 = 1u;
alias Given = vec4<f32>;
fn take(c: u32, at: u32) -> Given { return given(at, c, 0u); }
alias Four = vec4<f32>;
fn fetch(row: vec4<u32>, c: u32) -> Four { return quad(row.x, c); }
fn products(q: Four, g: Given) -> vec4<f32> { return g * q; }
// @end
fn given(at: u32, c: u32, i: u32) -> vec4<f32> { return x[at + c * UNIT + i]; }
// @section activation
fn activate(kind: u32, x: f32) -> f32 { return x; }
// @end

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let token = wg.z / p.top_k;
    let expert = routes[token * p.routes_stride + wg.z % p.top_k] - p.first;
    let here = expert < p.experts;
    let first = (wg.x + wg.y * 65535u) * 4u;
    let row = (vec4<u32>(expert * p.rows) + min(vec4<u32>(first, first + 1u, first + 2u, first + 3u), vec4<u32>(p.rows - 1u)))
        * p.words;
    var s = vec4<f32>();
    for (var c = t; c < select(0u, p.units, here); c += 64u) { s += products(fetch(row, c), take(c, token * p.x_stride)); }
    sums[t] = s;
    workgroupBarrier();
    for (var n = 16u; n > 0u; n >>= 2u) {
        if t < n { sums[t] = (sums[t] + sums[t + n]) + (sums[t + 2u * n] + sums[t + 3u * n]); }
        workgroupBarrier();
    }
    s = sums[0];
    let at = wg.z * p.y_stride + first / 2u;
    if t == 0u && here && first < p.rows { y[at] = activate(p.act, s.x) * s.y; }
    if t == 1u && here && first + 2u < p.rows { y[at + 1u] = activate(p.act, s.z) * s.w; }
}

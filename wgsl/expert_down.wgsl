// expert_down: y = Σ_k weight_k · x_k·W_kᵀ over the TopK experts of a token; four rows of W a workgroup, the words of a row
// across its threads; z counts tokens. Twin: cpu.ExpertDown.
// The first part of the stack of experts stores, the others add; each sums the experts that it has.
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
    add: u32,      // 1: add to y
}
@group(0) @binding(0) var<uniform> p: Experts;
@group(0) @binding(1) var<storage, read> w: array<vec4<u32>>;            // [experts][rows][words]
@group(0) @binding(2) var<storage, read> x: array<vec4<f32>>;            // [tokens·top_k][x_stride]
@group(0) @binding(3) var<storage, read> routes: array<u32>;             // [tokens][top_k experts, bits of top_k weights, ..]
@group(0) @binding(4) var<storage, read_write> y: array<f32>;            // [tokens][y_stride]
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

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let token = wg.z;
    let first = (wg.x + wg.y * 65535u) * 4u;
    let four_rows = min(vec4<u32>(first, first + 1u, first + 2u, first + 3u), vec4<u32>(p.rows - 1u));
    var all = vec4<f32>();
    for (var k = 0u; k < p.top_k; k++) {
        let expert = routes[token * p.routes_stride + k] - p.first;
        let weight = bitcast<f32>(routes[token * p.routes_stride + p.top_k + k]);
        let row = (vec4<u32>(expert * p.rows) + four_rows) * p.words;
        let at = (token * p.top_k + k) * p.x_stride;
        var s = vec4<f32>();
        for (var c = t; c < select(0u, p.units, expert < p.experts); c += 64u) { s += products(fetch(row, c), take(c, at)); }
        all += weight * s;
    }
    sums[t] = all;
    workgroupBarrier();
    for (var n = 16u; n > 0u; n >>= 2u) {
        if t < n { sums[t] = (sums[t] + sums[t + n]) + (sums[t + 2u * n] + sums[t + 3u * n]); }
        workgroupBarrier();
    }
    if t < 4u && first + t < p.rows {
        let at = token * p.y_stride + first + t;
        var v = sums[0][t];
        if p.add == 1u { v += y[at]; }
        y[at] = v;
    }
}

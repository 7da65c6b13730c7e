// linear_one: y = cap(act(norm(x)·Wᵀ + bias)·scale)·gate, or added to y, for one token: ROWS rows of W a workgroup; norm is the
// RMS norm or nothing. Twin: cpu.Linear.
// tune: LANES 64, 128 or 256 threads a row, THREADS = LANES (one_direct) or at least 128 (one_staged), PER 1 or 2,
// ROWS 4·PER·THREADS/LANES, PARTS PER·THREADS
const LANES: u32 = 64u;
const THREADS: u32 = 128u;
const PER: u32 = 2u;
const ROWS: u32 = 16u;
const PARTS: u32 = 256u;
struct Linear {
    words: u32,    // of a row of W
    units: u32,    // of these, with codes
    quads: u32,    // of columns
    rows: u32,     // of this part of W
    tokens: u32,
    x_stride: u32, // in quads
    y_stride: u32,
    y_first: u32,  // the column of y for the part's first row
    act: u32,
    has: u32,      // bits: 0 bias, 1 gate, 2 add to y
    scale: f32,
    cap: f32,
    gate_stride: u32,
    gate_column: u32,
    cols: u32,     // of W
    norm: u32,     // bits: 0 there is a norm, 1 it has weights
    eps: f32,
}
@group(0) @binding(0) var<uniform> p: Linear;
@group(0) @binding(1) var<storage, read> w: array<vec4<u32>>;            // [rows][words]
@group(0) @binding(2) var<storage, read> x: array<vec4<f32>>;            // [cols/4]
@group(0) @binding(3) var<storage, read> weight: array<vec4<f32>>;       // [cols/4], the norm's
@group(0) @binding(4) var<storage, read> bias: array<f32>;               // [all rows]
@group(0) @binding(5) var<storage, read> gate: array<f32>;               // [tokens][gate_stride]
@group(0) @binding(6) var<storage, read_write> y: array<f32>;            // [tokens][y_stride]

// @section weights
fn quad(row: u32, i: u32) -> vec4<f32> { return bitcast<vec4<f32>>(w[row + i]); }
// @end
// @section products
const UNIT: u32 = 1u;
alias Given = vec4<f32>;
fn take(c: u32, at: u32) -> Given { return x[at]; }
alias Four = vec4<f32>;
fn fetch(row: vec4<u32>, c: u32) -> Four { return quad(row.x, c); }
fn products(q: Four, g: Given) -> vec4<f32> { return g * q; }
// @end
// @section factor
fn factor(t: u32, square: f32) -> f32 { return square; }
// @end
// @section one
fn multiply(first: u32, t: u32) -> f32 { return products(fetch(vec4<u32>(first), t), take(t, 0u)).x * factor(t, weight[0].x); }
fn result(r: u32) -> f32 { return f32(r); }
// @end
// @section activation
fn tanh_of(x: f32) -> f32 { return tanh(clamp(x, -15.0, 15.0)); }
fn activate(kind: u32, x: f32) -> f32 { return x; }
// @end
// @section linear_store
fn store(token: u32, row: u32, s: f32) { y[token * p.y_stride + row] = activate(p.act, s) + tanh_of(bias[row] + gate[row]); }
// @end

@compute @workgroup_size(128)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let first = (wg.x + wg.y * 65535u) * ROWS;
    let factor = multiply(first, t);
    if t < ROWS { store(0u, first + t, result(t) * factor); }
}

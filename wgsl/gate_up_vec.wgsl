// gate_up_vec: y = act(g)·u with g, u = x·Wᵀ + bias of an even row of W and the next, for few tokens: ROWS rows of W
// a workgroup, four of them (two results) and COLS tokens across LANES threads. Twin: cpu.GateUp.
// tune: COLS 1 or 4; LANES 8, 16, 64 or 256 threads a row, THREADS at least 16; PER 1, or 4 with COLS 1: a thread's
// fours of rows; ROWS 4·PER·THREADS/LANES, PARTS THREADS·COLS·PER
const COLS: u32 = 1u;
const PARTS: u32 = 64u;
const LANES: u32 = 64u;
const THREADS: u32 = 64u;
const PER: u32 = 1u;
const ROWS: u32 = 4u;
struct GateUp {
    words: u32,    // of a row of W
    units: u32,    // of these, with codes
    quads: u32,    // of columns
    rows: u32,     // of this part of W, even
    tokens: u32,
    x_stride: u32, // in quads
    y_stride: u32,
    first: u32,    // the part's first row
    act: u32,
    has: u32,      // 1: bias
}
@group(0) @binding(0) var<uniform> p: GateUp;
@group(0) @binding(1) var<storage, read> w: array<vec4<u32>>;            // [rows][words]
@group(0) @binding(2) var<storage, read> x: array<vec4<f32>>;            // [tokens][x_stride]
@group(0) @binding(3) var<storage, read> bias: array<f32>;               // [all rows]
@group(0) @binding(4) var<storage, read_write> y: array<f32>;            // [tokens][y_stride]

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
// @section gate_up_store
fn store(token: u32, row: u32, gate: f32, up: f32) { y[token * p.y_stride + row] = activate(p.act, gate) * up + bias[row]; }
// @end

// @section vec
fn multiply(first: u32, token: u32, shift: u32, t: u32) { }
fn sum(token: u32, row: u32) -> f32 { return products(fetch(vec4<u32>(row), 0u), take(0u, token)).x; }
// @end

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let first = (wg.x + wg.y * 65535u) * ROWS;
    let token = wg.z * COLS;
    multiply(first, token, 0u, t);
    for (var i = t; i < ROWS / 2u * COLS; i += THREADS) {
        let column = i / (ROWS / 2u);
        let r = i % (ROWS / 2u) * 2u;
        store(token + column, first + r, sum(column, r), sum(column, r + 1u));
    }
}

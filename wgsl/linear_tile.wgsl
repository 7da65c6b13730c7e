// linear_tile: y = cap(act(x·Wᵀ + bias)·scale)·gate, or added to y, in tiles of SPAN_Y·4 tokens × SPAN_X·4 rows of W.
// Twin: cpu.Linear.
// tune: X 8 or 16, Y 8, PER 1 or 2, or for tile=own X 8, Y 1, PER 4; SPAN_X X·PER, SPAN_Y Y·PER, WG X·Y
const X: u32 = 16u;
const Y: u32 = 8u;
const PER: u32 = 2u;
const SPAN_X: u32 = 32u;
const SPAN_Y: u32 = 16u;
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
    block: u32,       // rows of a block of a block-diagonal W, a multiple of a tile's
    block_quads: u32, // and its columns
}
@group(0) @binding(0) var<uniform> p: Linear;
@group(0) @binding(1) var<storage, read> w: array<vec4<u32>>;            // [rows][words]
@group(0) @binding(2) var<storage, read> x: array<vec4<f32>>;            // [tokens][x_stride]
@group(0) @binding(3) var<storage, read> bias: array<f32>;               // [all rows]
@group(0) @binding(4) var<storage, read> gate: array<f32>;               // [tokens][gate_stride]
@group(0) @binding(5) var<storage, read_write> y: array<f32>;            // [tokens][y_stride]
// @section weights
fn quad(row: u32, i: u32) -> vec4<f32> { return bitcast<vec4<f32>>(w[row + i]); }
// @end
// @section activation
fn tanh_of(x: f32) -> f32 { return tanh(clamp(x, -15.0, 15.0)); }
fn activate(kind: u32, x: f32) -> f32 { return x; }
// @end
// @section linear_store
fn store(token: u32, row: u32, s: f32) { y[token * p.y_stride + row] = activate(p.act, s) + tanh_of(bias[row] + gate[row]); }
// @end

// store4 stores four rows' results of four tokens.
fn store4(token: u32, row: u32, results: mat4x4<f32>) {
    var m = results;
    for (var i = 0u; i < 16u; i++) { store(token + i / 4u, row + i % 4u, m[i / 4u][i % 4u]); }
}

// @section fours
fn four(first: u32, count: u32, stride: u32) -> vec4<u32> { return vec4<u32>(min(first, count - 1u) * stride); }
// @end
// @section add
fn add(m: mat4x4<f32>, a: vec4<f32>, b: vec4<f32>) -> mat4x4<f32> { return m; }
// @end
// @section tile
fn multiply(token: u32, row: u32, shift: u32, t: u32) { store4(token, row, mat4x4<f32>(x[shift], quad(t, 0u), x[PER], x[0])); }
// @end

@compute @workgroup_size(128)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let row = wg.x * SPAN_X * 4u;
    multiply(wg.y * SPAN_Y * 4u, row, (p.y_first + row) / p.block * p.block_quads, t);
}

// gate_up_tile: y = act(g)·u with g, u = x·Wᵀ + bias of an even row of W and the next, in tiles of SPAN_Y·4 tokens ×
// SPAN_X·4 rows of W. Twin: cpu.GateUp.
// tune: X 8 or 16, Y 8, PER 1 or 2, or for tile=own X 8, Y 1, PER 4; SPAN_X X·PER, SPAN_Y Y·PER, WG X·Y
const X: u32 = 16u;
const Y: u32 = 8u;
const PER: u32 = 2u;
const SPAN_X: u32 = 32u;
const SPAN_Y: u32 = 16u;
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
// @section activation
fn activate(kind: u32, x: f32) -> f32 { return x; }
// @end
// @section gate_up_store
fn store(token: u32, row: u32, gate: f32, up: f32) { y[token * p.y_stride + row] = activate(p.act, gate) * up + bias[row]; }
// @end

// store4 stores two pairs' results of four tokens.
fn store4(token: u32, row: u32, products: mat4x4<f32>) {
    var m = products;
    for (var i = 0u; i < 8u; i++) { store(token + i / 2u, row + i % 2u * 2u, m[i / 2u][i % 2u * 2u], m[i / 2u][i % 2u * 2u + 1u]); }
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
    multiply(wg.y * SPAN_Y * 4u, row, 0u, t);
}

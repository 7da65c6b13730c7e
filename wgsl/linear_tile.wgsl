// linear_tile: y = cap(act(x·Wᵀ + bias)·scale)·gate, or added to y, in tiles of 4·SIDE tokens × 4·SIDE rows of W, K in
// steps of 16; SIDE × SIDE threads with 4 × 4 results each. Twin: cpu.Linear.
// tune: SIDE 16 or 8, ROOM 20·SIDE, WG SIDE,SIDE
const SIDE: u32 = 16u;
const ROOM: u32 = 320u;
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
var<workgroup> xs: array<vec4<f32>, ROOM>;                               // [4·SIDE tokens][4 quads + 1 against bank conflicts]
var<workgroup> ws: array<vec4<f32>, ROOM>;                               // [4·SIDE rows][4 + 1]

// @section weights
fn quad(row: u32, i: u32) -> vec4<f32> { return bitcast<vec4<f32>>(w[row + i]); }
// @end
// @section activation
fn tanh_of(x: f32) -> f32 { return tanh(clamp(x, -15.0, 15.0)); }
fn activate(kind: u32, x: f32) -> f32 { return x; }
// @end

fn store(token: u32, row: u32, s: f32) {
    if token >= p.tokens || row >= p.rows { return; }
    let column = p.y_first + row;
    var v = s;
    if (p.has & 1u) != 0u { v += bias[column]; }
    v = activate(p.act, v) * p.scale;
    if p.cap > 0.0 { v = p.cap * tanh_of(v / p.cap); }
    if (p.has & 2u) != 0u { v *= gate[token * p.gate_stride + p.gate_column]; }
    let at = token * p.y_stride + column;
    if (p.has & 4u) != 0u { v += y[at]; }
    y[at] = v;
}

fn store4(token: u32, row: u32, s: vec4<f32>) {
    store(token, row, s.x);
    store(token, row + SIDE, s.y);
    store(token, row + SIDE * 2u, s.z);
    store(token, row + SIDE * 3u, s.w);
}

@compute @workgroup_size(16, 16)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_id) l: vec3<u32>) {
    let t = l.y * SIDE + l.x;
    let shift = (p.y_first + wg.x * SIDE * 4u) / p.block * p.block_quads;
    var s0 = vec4<f32>();                              // tokens y, y + SIDE, ..; a component for rows x, x + SIDE, ..
    var s1 = vec4<f32>();
    var s2 = vec4<f32>();
    var s3 = vec4<f32>();
    for (var k = 0u; k < p.quads; k += 4u) {
        for (var e = t; e < SIDE * 16u; e += SIDE * SIDE) { // quad j of row i of both tiles
            let i = e / 4u;
            let c = k + e % 4u;
            let in_row = min(c, p.quads - 1u);
            let xq = x[min(wg.y * SIDE * 4u + i, p.tokens - 1u) * p.x_stride + shift + in_row];
            let wq = quad(min(wg.x * SIDE * 4u + i, p.rows - 1u) * p.words, in_row);
            xs[i * 5u + e % 4u] = select(vec4<f32>(), xq, c < p.quads);
            ws[i * 5u + e % 4u] = select(vec4<f32>(), wq, c < p.quads);
        }
        workgroupBarrier();
        for (var q = 0u; q < 4u; q++) {
            let a = l.y * 5u + q;
            let b = l.x * 5u + q;
            let w0 = ws[b];
            let w1 = ws[b + SIDE * 5u];
            let w2 = ws[b + SIDE * 10u];
            let w3 = ws[b + SIDE * 15u];
            let x0 = xs[a];
            let x1 = xs[a + SIDE * 5u];
            let x2 = xs[a + SIDE * 10u];
            let x3 = xs[a + SIDE * 15u];
            s0 += vec4<f32>(dot(x0, w0), dot(x0, w1), dot(x0, w2), dot(x0, w3));
            s1 += vec4<f32>(dot(x1, w0), dot(x1, w1), dot(x1, w2), dot(x1, w3));
            s2 += vec4<f32>(dot(x2, w0), dot(x2, w1), dot(x2, w2), dot(x2, w3));
            s3 += vec4<f32>(dot(x3, w0), dot(x3, w1), dot(x3, w2), dot(x3, w3));
        }
        workgroupBarrier();
    }
    let token = wg.y * SIDE * 4u + l.y;
    let row = wg.x * SIDE * 4u + l.x;
    store4(token, row, s0);
    store4(token + SIDE, row, s1);
    store4(token + SIDE * 2u, row, s2);
    store4(token + SIDE * 3u, row, s3);
}

// gate_up_tile: y = act(g)·u with g, u = x·Wᵀ + bias of an even row of W and the next, in tiles of 4·SIDE tokens × 2·SIDE pairs
// of rows, K in steps of 16; SIDE × SIDE threads with 4 × 2 results each. Twin: cpu.GateUp.
// tune: SIDE 16 or 8, ROOM 20·SIDE, WG SIDE,SIDE
const SIDE: u32 = 16u;
const ROOM: u32 = 320u;
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
var<workgroup> xs: array<vec4<f32>, ROOM>;                               // [4·SIDE tokens][4 quads + 1 against bank conflicts]
var<workgroup> ws: array<vec4<f32>, ROOM>;                               // [2·SIDE gates, then their ups][4 + 1]

// @section weights
fn quad(row: u32, i: u32) -> vec4<f32> { return bitcast<vec4<f32>>(w[row + i]); }
// @end
// @section activation
fn activate(kind: u32, x: f32) -> f32 { return x; }
// @end

// store stores the result of rows row and row + 1.
fn store(token: u32, row: u32, gate: f32, up: f32) {
    if token >= p.tokens || row >= p.rows { return; }
    let at = p.first + row;
    var g = gate;
    var u = up;
    if p.has == 1u {
        g += bias[at];
        u += bias[at + 1u];
    }
    y[token * p.y_stride + at / 2u] = activate(p.act, g) * u;
}

// store2 stores two pairs: s holds the gates of pairs x and x + SIDE, then their ups.
fn store2(token: u32, row: u32, s: vec4<f32>) {
    store(token, row, s.x, s.z);
    store(token, row + SIDE * 2u, s.y, s.w);
}

@compute @workgroup_size(16, 16)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_id) l: vec3<u32>) {
    let t = l.y * SIDE + l.x;
    var s0 = vec4<f32>();                              // tokens y, y + SIDE, ..; components as in store2
    var s1 = vec4<f32>();
    var s2 = vec4<f32>();
    var s3 = vec4<f32>();
    for (var k = 0u; k < p.quads; k += 4u) {
        for (var e = t; e < SIDE * 16u; e += SIDE * SIDE) { // quad j of row i of both tiles
            let i = e / 4u;
            let c = k + e % 4u;
            let in_row = min(c, p.quads - 1u);
            let xq = x[min(wg.y * SIDE * 4u + i, p.tokens - 1u) * p.x_stride + in_row];
            let wq = quad(min(wg.x * SIDE * 4u + i % (SIDE * 2u) * 2u + i / (SIDE * 2u), p.rows - 1u) * p.words, in_row);
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
    let row = wg.x * SIDE * 4u + l.x * 2u;
    store2(token, row, s0);
    store2(token + SIDE, row, s1);
    store2(token + SIDE * 2u, row, s2);
    store2(token + SIDE * 3u, row, s3);
}

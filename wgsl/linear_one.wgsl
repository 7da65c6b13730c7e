// linear_one: y = cap(act(norm(x)·Wᵀ + bias)·scale)·gate, or added to y, for one token: ROWS rows of W a workgroup, four of them
// across LANES threads. x comes to workgroup memory in pieces of 512 quads, turned so that neighbouring threads find their quads
// side by side; norm is the RMS norm or nothing. Twin: cpu.Linear.
// tune: LANES 64 or 256, ROWS 1024/LANES
const LANES: u32 = 64u;
const ROWS: u32 = 16u;
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
var<workgroup> sums: array<vec4<f32>, 256>;                              // a component a row
var<workgroup> squares: array<f32, 256>;                                 // of x
var<workgroup> xs: array<array<vec4<f32>, STEP>, UNIT>;                  // [quads of a word][words]

// @section weights
fn quad(row: u32, i: u32) -> vec4<f32> { return bitcast<vec4<f32>>(w[row + i]); }
// @end
// @section products
const UNIT: u32 = 1u;
const STEP: u32 = 513u;
fn products(row: vec4<u32>, c: u32, at: u32) -> vec4<f32> { return given(at, c, 0u) * quad(row.x, c); }
// @end
fn given(at: u32, c: u32, i: u32) -> vec4<f32> { return xs[i][c - at]; }
// @section activation
fn tanh_of(x: f32) -> f32 { return tanh(clamp(x, -15.0, 15.0)); }
fn activate(kind: u32, x: f32) -> f32 { return x; }
// @end
// @section linear_store
fn store(token: u32, row: u32, s: f32) { y[token * p.y_stride + row] = activate(p.act, s) + tanh_of(bias[row] + gate[row]); }
// @end

// bring takes a quad of x to where given finds it, and returns the sum of its squares.
fn bring(i: u32, q: u32) -> f32 {
    let column = vec4<u32>(0u, 1u, 2u, 3u) + vec4<u32>(q * 4u);
    var v = select(vec4<f32>(), x[min(q, p.quads - 1u)], column < vec4<u32>(p.cols));
    let square = dot(v, v);
    if (p.norm & 2u) != 0u { v *= weight[min(q, p.quads - 1u)]; }
    xs[i % UNIT][i / UNIT] = v;
    return square;
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let lane = t % LANES;
    let first = (wg.x + wg.y * 65535u) * ROWS;
    let four = vec4<u32>(0u, 1u, 2u, 3u) + vec4<u32>(first + t / LANES * 4u);
    let row = min(four, vec4<u32>(p.rows - 1u)) * p.words; // rows past the end repeat the last one
    var s = vec4<f32>();
    var square = 0.0;
    for (var at = 0u; at < p.units; at += 512u / UNIT) {
        square += bring(t, at * UNIT + t);
        square += bring(t + 256u, at * UNIT + t + 256u);
        workgroupBarrier();
        for (var c = at + lane; c < min(p.units, at + 512u / UNIT); c += LANES) { s += products(row, c, at); }
        workgroupBarrier();
    }
    sums[t] = s;
    squares[t] = square;
    workgroupBarrier();
    for (var n = 64u; n >= 4u; n >>= 2u) {             // 256 -> 4 squares, LANES -> 4 products of four rows
        if t < n { squares[t] = (squares[t] + squares[t + n]) + (squares[t + 2u * n] + squares[t + 3u * n]); }
        if lane < n && n < LANES { sums[t] = (sums[t] + sums[t + n]) + (sums[t + 2u * n] + sums[t + 3u * n]); }
        workgroupBarrier();
    }
    var factor = 1.0;
    if (p.norm & 1u) != 0u {
        factor = inverseSqrt(((squares[0] + squares[1]) + (squares[2] + squares[3])) / f32(p.cols) + p.eps);
    }
    if t < ROWS {
        let j = t / 4u * LANES;
        let all = (sums[j] + sums[j + 1u]) + (sums[j + 2u] + sums[j + 3u]);
        store(0u, first + t, all[t % 4u] * factor);
    }
}

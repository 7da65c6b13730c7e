// linear_tile: y = cap(act(x·Wᵀ + bias)·scale)·gate, or added to y, in tiles of TILE tokens × TILE rows of W, K in steps of 16;
// SIDE × SIDE threads with PER × PER blocks of 4 × 4 results each. Twin: cpu.Linear.
// tune: SIDE 16 or 8, PER 1 or 2, SPAN SIDE·PER, TILE 4·SPAN, ROOM 16·SPAN, WG SIDE,SIDE
const SIDE: u32 = 16u;
const PER: u32 = 2u;
const SPAN: u32 = 32u;
const TILE: u32 = 128u;
const ROOM: u32 = 512u;
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
var<workgroup> xs: array<vec4<f32>, ROOM>;                               // [16 of K][SPAN]: a vector is four tokens
var<workgroup> ws: array<vec4<f32>, ROOM>;                               // [16][SPAN]: four rows
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

// store4 stores four rows' results of four tokens.
fn store4(token: u32, row: u32, results: mat4x4<f32>) {
    var m = results;
    for (var i = 0u; i < 16u; i++) { store(token + i / 4u, row + i % 4u, m[i / 4u][i % 4u]); }
}

// transposed are four vectors, a row of each: what four rows of a matrix hold in one of four columns.
fn transposed(a: vec4<f32>, b: vec4<f32>, c: vec4<f32>, d: vec4<f32>) -> mat4x4<f32> {
    return mat4x4<f32>(vec4<f32>(a.x, b.x, c.x, d.x), vec4<f32>(a.y, b.y, c.y, d.y), vec4<f32>(a.z, b.z, c.z, d.z),
        vec4<f32>(a.w, b.w, c.w, d.w));
}

// four are where four tokens' or rows' data begin, the last one's past the end.
fn four(first: u32, count: u32, stride: u32) -> vec4<u32> {
    return min(vec4<u32>(0u, 1u, 2u, 3u) + vec4<u32>(first), vec4<u32>(count - 1u)) * stride;
}

fn add(m: mat4x4<f32>, a: vec4<f32>, b: vec4<f32>) -> mat4x4<f32> {
    return mat4x4<f32>(fma(vec4<f32>(a.x), b, m[0]), fma(vec4<f32>(a.y), b, m[1]), fma(vec4<f32>(a.z), b, m[2]), fma(vec4<f32>(a.w), b, m[3]));
}

@compute @workgroup_size(16, 16)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_id) l: vec3<u32>) {
    let t = l.y * SIDE + l.x;
    let token = wg.y * TILE;
    let row = wg.x * TILE;
    let shift = (p.y_first + row) / p.block * p.block_quads;
    var m00 = mat4x4<f32>();                           // a column is a token, or with 1 the one SIDE·4 on; and so are rows
    var m01 = mat4x4<f32>();
    var m10 = mat4x4<f32>();
    var m11 = mat4x4<f32>();
    for (var k = 0u; k < p.quads; k += 4u) {
        for (var e = t; e < SPAN * 8u; e += SIDE * SIDE) { // four tokens or rows by four of K a thread
            let i = e / 4u % SPAN;
            let c = min(k + e % 4u, p.quads - 1u);
            var m = mat4x4<f32>();
            if e < SPAN * 4u {
                let at = four(token + i * 4u, p.tokens, p.x_stride) + vec4<u32>(shift + c);
                m = transposed(x[at.x], x[at.y], x[at.z], x[at.w]);
            } else {
                let at = four(row + i * 4u, p.rows, p.words);
                m = transposed(quad(at.x, c), quad(at.y, c), quad(at.z, c), quad(at.w, c));
            }
            if k + e % 4u >= p.quads { m = mat4x4<f32>(); }
            let to = e % 4u * 4u * SPAN + i;
            if e < SPAN * 4u {
                xs[to] = m[0];
                xs[to + SPAN] = m[1];
                xs[to + SPAN * 2u] = m[2];
                xs[to + SPAN * 3u] = m[3];
            } else {
                ws[to] = m[0];
                ws[to + SPAN] = m[1];
                ws[to + SPAN * 2u] = m[2];
                ws[to + SPAN * 3u] = m[3];
            }
        }
        workgroupBarrier();
        for (var j = 0u; j < ROOM; j += SPAN) {
            let a0 = xs[j + l.y];
            let b0 = ws[j + l.x];
            m00 = add(m00, a0, b0);
            if PER > 1u {
                let a1 = xs[j + l.y + SIDE];
                let b1 = ws[j + l.x + SIDE];
                m01 = add(m01, a0, b1);
                m10 = add(m10, a1, b0);
                m11 = add(m11, a1, b1);
            }
        }
        workgroupBarrier();
    }
    store4(token + l.y * 4u, row + l.x * 4u, m00);
    if PER > 1u {
        store4(token + l.y * 4u, row + (l.x + SIDE) * 4u, m01);
        store4(token + (l.y + SIDE) * 4u, row + l.x * 4u, m10);
        store4(token + (l.y + SIDE) * 4u, row + (l.x + SIDE) * 4u, m11);
    }
}

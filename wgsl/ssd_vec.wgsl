// ssd_vec: S ← e^(Δ·A + retain)·S + insert·Δ·x ⊗ B, y = S·C + D·x, one token after the other: 16 rows of a head's state a
// workgroup, 16 threads for each four of them, which hold a column of the matrix for each. Twin: cpu.SSD.
// tune: QUADS of states that a thread holds of a row, 1 to 4
const QUADS: u32 = 2u;
struct SSD {
    tokens: u32,
    heads: u32,
    group: u32,      // heads of a group
    width: u32,      // channels of a head
    states: u32,     // N, at most 64·QUADS
    x_stride: u32,
    b_first: u32,    // the column of x for B
    c_first: u32,
    delta_stride: u32,
    delta_first: u32,
    s_stride: u32,   // in quads
    y_stride: u32,
    has: u32,        // bits: 0 Δ, 1 its bias, 2 D
    least: f32,
    most: f32,
    retain: f32,
    insert: f32,
}
@group(0) @binding(0) var<uniform> p: SSD;
@group(0) @binding(1) var<storage, read> x: array<Item>;                 // [tokens][x_stride]
@group(0) @binding(2) var<storage, read> delta: array<f32>;              // [tokens][delta_stride]
@group(0) @binding(3) var<storage, read> delta_bias: array<f32>;         // [heads]
@group(0) @binding(4) var<storage, read> rate: array<f32>;               // [heads]: A
@group(0) @binding(5) var<storage, read> skip: array<f32>;               // [heads]: D
@group(0) @binding(6) var<storage, read> before: array<vec4<f32>>;       // [heads·width][s_stride]
@group(0) @binding(7) var<storage, read_write> after: array<vec4<f32>>;  // [heads·width][s_stride]
@group(0) @binding(8) var<storage, read_write> y: array<f32>;            // [tokens][y_stride]
var<workgroup> parts: array<vec4<f32>, 256>;                             // [4 tokens][64 threads]: of S·C, a component a row

// @section row
alias Item = f32;
fn item(row: u32, c: u32) -> f32 { return x[row + c]; }
fn terms(row: u32, column: u32, n: u32) -> vec4<f32> { return vec4<f32>(x[row + column + n]); }
// @end
// @section softplus
fn softplus(x: f32) -> f32 { return log(1.0 + exp(x)); }
// @end
// @section lost
fn fade(z: f32) -> vec2<f32> { return vec2<f32>(exp(z), 0.0); }
// @end

// step is Δ.
fn step(token: u32, head: u32) -> f32 {
    if (p.has & 1u) == 0u { return 1.0; }
    var v = delta[token * p.delta_stride + p.delta_first + head];
    if (p.has & 2u) != 0u { v += delta_bias[head]; }
    return clamp(softplus(v), p.least, p.most);
}

// load and keep are one of a thread's quads of four rows of the state, before and after.
fn load(rows: vec4<u32>, quad: u32) -> mat4x4<f32> {
    let at = rows * p.s_stride + min(quad, (p.states - 1u) / 4u);
    return mat4x4<f32>(before[at.x], before[at.y], before[at.z], before[at.w]);
}
fn keep(rows: vec4<u32>, there: vec4<bool>, quad: u32, h: mat4x4<f32>) {
    let at = rows * p.s_stride + quad;
    if quad * 4u >= p.states { return; }
    if there.x { after[at.x] = h[0]; }
    if there.y { after[at.y] = h[1]; }
    if there.z { after[at.z] = h[2]; }
    if there.w { after[at.w] = h[3]; }
}

// moved is the state a token on: f is the decay, v the rows' inputs.
fn moved(h: mat4x4<f32>, f: vec2<f32>, v: vec4<f32>, b: vec4<f32>) -> mat4x4<f32> {
    return h * f.x + (mat4x4<f32>(b * v.x, b * v.y, b * v.z, b * v.w) - h * f.y);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let head = wg.y;
    let lane = t % 16u;
    let channel = vec4<u32>(0u, 1u, 2u, 3u) + vec4<u32>(wg.x * 16u + t / 16u * 4u);
    let there = channel < vec4<u32>(p.width);
    let rows = min(channel, vec4<u32>(p.width - 1u)) + vec4<u32>(head * p.width);
    let b = p.b_first + head / p.group * p.states;
    let c = p.c_first + head / p.group * p.states;
    let n = lane * 4u;
    let a = rate[head];
    let d = select(0.0, skip[head], (p.has & 4u) != 0u);
    var h0 = load(rows, lane);
    var h1 = mat4x4<f32>();
    var h2 = mat4x4<f32>();
    var h3 = mat4x4<f32>();
    if QUADS > 1u { h1 = load(rows, lane + 16u); }
    if QUADS > 2u { h2 = load(rows, lane + 32u); }
    if QUADS > 3u { h3 = load(rows, lane + 48u); }
    for (var first = 0u; first < p.tokens; first += 4u) {
        let count = min(4u, p.tokens - first);
        for (var i = 0u; i < count; i++) {
            let at = (first + i) * p.x_stride;
            let delta = step(first + i, head);
            let f = fade(delta * a + p.retain);
            let v = vec4<f32>(item(at, rows.x), item(at, rows.y), item(at, rows.z), item(at, rows.w)) * (p.insert * delta);
            h0 = moved(h0, f, v, terms(at, b, n));
            var s = terms(at, c, n) * h0;
            if QUADS > 1u {
                h1 = moved(h1, f, v, terms(at, b, n + 64u));
                s += terms(at, c, n + 64u) * h1;
            }
            if QUADS > 2u {
                h2 = moved(h2, f, v, terms(at, b, n + 128u));
                s += terms(at, c, n + 128u) * h2;
            }
            if QUADS > 3u {
                h3 = moved(h3, f, v, terms(at, b, n + 192u));
                s += terms(at, c, n + 192u) * h3;
            }
            parts[i * 64u + t] = s;
        }
        workgroupBarrier();
        let token = first + t / 16u;                   // a thread a token and row
        let mine = wg.x * 16u + lane;
        if t / 16u < count && mine < p.width {
            var s = 0.0;
            for (var i = 0u; i < 16u; i++) { s += parts[t / 16u * 64u + lane / 4u * 16u + i][lane % 4u]; }
            y[token * p.y_stride + head * p.width + mine] = s + d * item(token * p.x_stride, head * p.width + mine);
        }
        workgroupBarrier();
    }
    keep(rows, there, lane, h0);
    if QUADS > 1u { keep(rows, there, lane + 16u, h1); }
    if QUADS > 2u { keep(rows, there, lane + 32u, h2); }
    if QUADS > 3u { keep(rows, there, lane + 48u, h3); }
}

// ssd_vec: S ← e^(Δ·A + retain)·S + insert·Δ·x ⊗ B, y = S·C + D·x, token after token: 16 rows of a head's state a workgroup, 16
// threads a row, which hold it. Twin: cpu.SSD.
// tune: QUADS of states that a thread holds, 1 to 4, and TERMS 64·QUADS
const QUADS: u32 = 2u;
const TERMS: u32 = 128u;
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
@group(0) @binding(1) var<storage, read> x: array<f32>;                  // [tokens][x_stride]
@group(0) @binding(2) var<storage, read> delta: array<f32>;              // [tokens][delta_stride]
@group(0) @binding(3) var<storage, read> delta_bias: array<f32>;         // [heads]
@group(0) @binding(4) var<storage, read> rate: array<f32>;               // [heads]: A
@group(0) @binding(5) var<storage, read> skip: array<f32>;               // [heads]: D
@group(0) @binding(6) var<storage, read> before: array<vec4<f32>>;       // [heads·width][s_stride]
@group(0) @binding(7) var<storage, read_write> after: array<vec4<f32>>;  // [heads·width][s_stride]
@group(0) @binding(8) var<storage, read_write> y: array<f32>;            // [tokens][y_stride]
var<workgroup> bs: array<vec4<f32>, TERMS>;                              // [4 tokens][16·QUADS]
var<workgroup> cs: array<vec4<f32>, TERMS>;
var<workgroup> parts: array<vec4<f32>, 256>;                             // [16 rows][16 threads], a component a token
var<workgroup> steps: vec4<f32>;                                         // Δ of the tokens

// @section softplus
fn softplus(x: f32) -> f32 { return log(1.0 + exp(x)); }
// @end
// @section lost
fn fade(z: f32) -> vec2<f32> { return vec2<f32>(exp(z), 0.0); }
// @end

// term is state n of a token's B or C, by the column of its first; zero past the last state.
fn term(token: u32, column: u32, n: u32) -> f32 {
    return select(0.0, x[token * p.x_stride + column + min(n, p.states - 1u)], n < p.states);
}
fn terms(token: u32, column: u32, n: u32) -> vec4<f32> {
    return vec4<f32>(term(token, column, n), term(token, column, n + 1u), term(token, column, n + 2u), term(token, column, n + 3u));
}

// step is Δ; past the last token 1, so that the state stays finite.
fn step(token: u32, head: u32) -> f32 {
    if (p.has & 1u) == 0u || token >= p.tokens { return 1.0; }
    var v = delta[token * p.delta_stride + p.delta_first + head];
    if (p.has & 2u) != 0u { v += delta_bias[head]; }
    return clamp(softplus(v), p.least, p.most);
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let head = wg.y;
    let lane = t % 16u;
    let channel = wg.x * 16u + t / 16u;
    let row = head * p.width + min(channel, p.width - 1u);
    let quads = (p.states + 3u) / 4u;
    var h: array<vec4<f32>, QUADS>;
    for (var q = 0u; q < QUADS; q++) { h[q] = before[row * p.s_stride + min(lane + 16u * q, quads - 1u)]; }
    let a = rate[head];
    let d = select(0.0, skip[head], (p.has & 4u) != 0u);
    for (var first = 0u; first < p.tokens; first += 4u) {
        let count = min(4u, p.tokens - first);
        for (var i = t; i < count * 16u * QUADS; i += 256u) {
            let n = i % (16u * QUADS) * 4u;
            let token = first + i / (16u * QUADS);
            bs[i] = terms(token, p.b_first + head / p.group * p.states, n);
            cs[i] = terms(token, p.c_first + head / p.group * p.states, n);
        }
        if t < 4u { steps[t] = step(first + t, head); }
        workgroupBarrier();
        var part = vec4<f32>();
        for (var i = 0u; i < count; i++) {
            let f = fade(steps[i] * a + p.retain);
            let v = p.insert * steps[i] * x[(first + i) * p.x_stride + row];
            var s = 0.0;
            for (var q = 0u; q < QUADS; q++) {
                let n = i * 16u * QUADS + lane + 16u * q;
                h[q] = f.x * h[q] + (v * bs[n] - f.y * h[q]);
                s += dot(h[q], cs[n]);
            }
            part[i] = s;
        }
        parts[t] = part;
        workgroupBarrier();
        if lane == 0u && channel < p.width {
            var s = vec4<f32>();
            for (var i = 0u; i < 16u; i++) { s += parts[t + i]; }
            for (var i = 0u; i < count; i++) {
                y[(first + i) * p.y_stride + row] = s[i] + d * x[(first + i) * p.x_stride + row];
            }
        }
        workgroupBarrier();
    }
    if channel >= p.width { return; }
    for (var q = 0u; q < QUADS; q++) {
        if lane + 16u * q < quads { after[row * p.s_stride + lane + 16u * q] = h[q]; }
    }
}

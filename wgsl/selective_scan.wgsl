// selective_scan: h ← exp(Δ·A)·h + Δ·x·B, y = (h·C + D·x)·act(gate); a thread holds four states of a channel, and the tokens
// come in tiles of TILE. Twin: cpu.SelectiveScan.
// tune: QUADS of states 1 to 32, CHANNELS 64/QUADS of a workgroup, TILE; STEPS = TILE·CHANNELS, TERMS = TILE·QUADS
const QUADS: u32 = 4u;
const CHANNELS: u32 = 16u;
const TILE: u32 = 16u;
const STEPS: u32 = 256u;
const TERMS: u32 = 64u;
const PARTS: u32 = 1024u;
struct SelectiveScan {
    channels: u32,
    tokens: u32,
    states: u32,     // N, at most 4·QUADS
    x_stride: u32,
    delta_stride: u32,
    bc_stride: u32,
    bc_first: u32,
    ad_stride: u32,  // also of the states
    gate_stride: u32,
    gate_first: u32,
    y_stride: u32,
    act: u32,
    has: u32,        // bit 0 gate
}
@group(0) @binding(0) var<uniform> p: SelectiveScan;
@group(0) @binding(1) var<storage, read> x: array<f32>;                  // [tokens][x_stride]
@group(0) @binding(2) var<storage, read> delta: array<f32>;              // [tokens][delta_stride]
@group(0) @binding(3) var<storage, read> bc: array<f32>;                 // [tokens][bc_stride]
@group(0) @binding(4) var<storage, read> ad: array<f32>;                 // [N + 1][ad_stride]
@group(0) @binding(5) var<storage, read> gate: array<f32>;               // [tokens][gate_stride]
@group(0) @binding(6) var<storage, read> before: array<f32>;             // [N][ad_stride]
@group(0) @binding(7) var<storage, read_write> after: array<f32>;        // [N][ad_stride]
@group(0) @binding(8) var<storage, read_write> y: array<f32>;            // [tokens][y_stride]
var<workgroup> steps: array<vec2<f32>, STEPS>;                           // [TILE][CHANNELS]: Δ and Δ·x
var<workgroup> bs: array<vec4<f32>, TERMS>;                              // [TILE][QUADS]
var<workgroup> cs: array<vec4<f32>, TERMS>;
var<workgroup> parts: array<f32, PARTS>;                                 // [TILE][QUADS][CHANNELS]: of h·C

// @section activation
fn activate(kind: u32, x: f32) -> f32 { return x; }
// @end
// @section softplus
fn softplus(x: f32) -> f32 { return log(1.0 + exp(x)); }
// @end

// term is state n of a token's B, or with skip = N of its C; zero past the last state.
fn term(token: u32, n: u32, skip: u32) -> f32 {
    return select(0.0, bc[token * p.bc_stride + p.bc_first + skip + min(n, p.states - 1u)], n < p.states);
}
fn terms(token: u32, n: u32, skip: u32) -> vec4<f32> {
    return vec4<f32>(term(token, n, skip), term(token, n + 1u, skip), term(token, n + 2u, skip), term(token, n + 3u, skip));
}

// load prepares a tile of count tokens.
fn load(first: u32, count: u32, t: u32, channel: u32) {
    for (var i = t; i < count * CHANNELS; i += 64u) {
        let token = first + i / CHANNELS;
        let c = min(channel + i % CHANNELS, p.channels - 1u);
        let d = softplus(delta[token * p.delta_stride + c]);
        steps[i] = vec2<f32>(d, d * x[token * p.x_stride + c]);
    }
    for (var i = t; i < count * QUADS; i += 64u) {
        let token = first + i / QUADS;
        bs[i] = terms(token, i % QUADS * 4u, 0u);
        cs[i] = terms(token, i % QUADS * 4u, p.states);
    }
}

// store adds the states' parts up and writes the results of a tile of count tokens.
fn store(first: u32, count: u32, t: u32, channel: u32) {
    for (var i = t; i < count * CHANNELS; i += 64u) {
        let token = first + i / CHANNELS;
        let c = channel + i % CHANNELS;
        if c < p.channels {
            var s = ad[p.states * p.ad_stride + c] * x[token * p.x_stride + c];
            for (var q = 0u; q < QUADS; q++) { s += parts[(i / CHANNELS * QUADS + q) * CHANNELS + i % CHANNELS]; }
            if (p.has & 1u) != 0u { s *= activate(p.act, gate[token * p.gate_stride + p.gate_first + c]); }
            y[token * p.y_stride + c] = s;
        }
    }
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let channel = wg.x * CHANNELS;
    let c = channel + t % CHANNELS;
    let quad = t / CHANNELS;
    let row = vec4<u32>(0u, 1u, 2u, 3u) + vec4<u32>(quad * 4u);
    let there = row < vec4<u32>(p.states);             // states past the last one, and what is read for them, do not count
    let at = min(row, vec4<u32>(p.states - 1u)) * p.ad_stride + min(c, p.channels - 1u);
    let a = vec4<f32>(ad[at.x], ad[at.y], ad[at.z], ad[at.w]);
    var h = vec4<f32>(before[at.x], before[at.y], before[at.z], before[at.w]);
    for (var first = 0u; first < p.tokens; first += TILE) {
        let count = min(TILE, p.tokens - first);
        load(first, count, t, channel);
        workgroupBarrier();
        for (var i = 0u; i < count; i++) {
            let step = steps[i * CHANNELS + t % CHANNELS];
            h = exp(step.x * a) * h + step.y * bs[i * QUADS + quad];
            parts[i * 64u + t] = dot(h, cs[i * QUADS + quad]);
        }
        workgroupBarrier();
        store(first, count, t, channel);
        workgroupBarrier();
    }
    if c >= p.channels { return; }
    if there.x { after[at.x] = h.x; }
    if there.y { after[at.y] = h.y; }
    if there.z { after[at.z] = h.z; }
    if there.w { after[at.w] = h.w; }
}

// route: the TopK largest of softmax(logits) of a token, ties to the lower expert; one workgroup a token. The logits are
// linear's. Twin: cpu.Route.
struct Route {
    experts: u32,   // up to 1,024
    top_k: u32,
    tokens: u32,
    z_stride: u32,
    y_stride: u32,
    normalise: u32, // 1: the chosen weights are divided by their sum
    gate: u32,      // 1: there is one more logit, whose sigmoid goes to the last column
}
@group(0) @binding(0) var<uniform> p: Route;
@group(0) @binding(1) var<storage, read> z: array<f32>;                  // [tokens][experts, gate]
@group(0) @binding(2) var<storage, read_write> y: array<u32>;            // [tokens][top_k experts, bits of top_k weights, of the gate]
var<workgroup> probs: array<f32, 1024>;
var<workgroup> red: array<f32, 64>;

// total is Σ v over the workgroup.
fn total(t: u32, v: f32) -> f32 {
    workgroupBarrier();
    red[t] = v;
    workgroupBarrier();
    for (var n = 32u; n > 0u; n >>= 1u) {
        if t < n { red[t] += red[t + n]; }
        workgroupBarrier();
    }
    return red[0];
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let token = wg.x + wg.y * 65535u;
    if token >= p.tokens { return; }
    let at = token * p.z_stride;
    var top = -3.0e38;
    for (var e = t; e < p.experts; e += 64u) { top = max(top, z[at + e]); }
    red[t] = top;
    workgroupBarrier();
    for (var n = 32u; n > 0u; n >>= 1u) {
        if t < n { red[t] = max(red[t], red[t + n]); }
        workgroupBarrier();
    }
    top = red[0];
    var s = 0.0;
    for (var e = t; e < p.experts; e += 64u) {
        let v = exp(z[at + e] - top);
        probs[e] = v;
        s += v;
    }
    let sum = total(t, s);
    s = 0.0;                                           // of this thread's chosen experts
    for (var e = t; e < p.experts; e += 64u) {
        let mine = probs[e];
        var rank = 0u;
        for (var i = 0u; i < p.experts; i++) {
            if probs[i] > mine || (probs[i] == mine && i < e) { rank++; }
        }
        if rank < p.top_k {
            y[token * p.y_stride + rank] = e;
            s += mine;
        }
    }
    let chosen = total(t, s);
    let divisor = select(sum, chosen, p.normalise == 1u);
    storageBarrier();
    if t < p.top_k {
        let e = min(y[token * p.y_stride + t], p.experts - 1u);
        y[token * p.y_stride + p.top_k + t] = bitcast<u32>(probs[e] / divisor);
    }
    if t == 0u && p.gate == 1u {
        let v = 1.0 / (1.0 + exp(min(-z[at + p.experts], 80.0)));
        y[token * p.y_stride + 2u * p.top_k] = bitcast<u32>(v);
    }
}

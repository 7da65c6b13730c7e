// state_window: each head's state forgets what it was at a mark, of which e^fade is left; one workgroup a head. Twin:
// cpu.StateWindow.
struct StateWindow {
    tokens: u32,
    width: u32,      // rows of a head
    states: u32,
    stride: u32,     // of the three states
    delta_stride: u32,
    delta_first: u32,
    has: u32,        // 1: a bias of Δ
    forget: u32,
    least: f32,
    most: f32,
    retain: f32,
}
@group(0) @binding(0) var<uniform> p: StateWindow;
@group(0) @binding(1) var<storage, read> delta: array<f32>;              // [tokens][delta_stride]
@group(0) @binding(2) var<storage, read> delta_bias: array<f32>;         // [heads]
@group(0) @binding(3) var<storage, read> rate: array<f32>;               // [heads]: A
@group(0) @binding(4) var<storage, read> before: array<f32>;             // [heads·width][stride]: the state at the mark
@group(0) @binding(5) var<storage, read> fade_before: array<f32>;        // [heads]
@group(0) @binding(6) var<storage, read_write> after: array<f32>;        // [heads·width][stride]
@group(0) @binding(7) var<storage, read_write> fade_after: array<f32>;   // [heads]
@group(0) @binding(8) var<storage, read_write> state: array<f32>;        // [heads·width][stride]
var<workgroup> sums: array<f32, 256>;

// @section softplus
fn softplus(x: f32) -> f32 { return log(1.0 + exp(x)); }
// @end

// step is Δ.
fn step(token: u32, head: u32) -> f32 {
    var v = delta[token * p.delta_stride + p.delta_first + head];
    if p.has == 1u { v += delta_bias[head]; }
    return clamp(softplus(v), p.least, p.most);
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let head = wg.x;
    let a = rate[head];
    var s = 0.0;
    for (var i = t; i < p.tokens; i += 256u) { s += step(i, head) * a + p.retain; }
    sums[t] = s;
    workgroupBarrier();
    for (var n = 64u; n > 0u; n >>= 2u) {
        if t < n { sums[t] = (sums[t] + sums[t + n]) + (sums[t + 2u * n] + sums[t + 3u * n]); }
        workgroupBarrier();
    }
    let fade = fade_before[head] + sums[0];
    if t == 0u { fade_after[head] = select(fade, 0.0, p.forget == 1u); }
    let scale = exp(fade);
    let first = head * p.width;
    for (var i = t; i < p.width * p.states; i += 256u) {
        let at = (first + i / p.states) * p.stride + i % p.states;
        var v = before[at];
        if p.forget == 1u {
            v = state[at] - scale * v;
            state[at] = v;
        }
        after[at] = v;
    }
}

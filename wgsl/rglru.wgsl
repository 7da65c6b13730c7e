// rglru: h ← a·h + σ(input gate)·x·√(1 − a²), y = h·act(mul), where ln a = −8·σ(recurrence gate)·softplus(lambda); a thread a
// channel, token after token. Twin: cpu.RGLRU.
struct RGLRU {
    channels: u32,
    tokens: u32,
    x_stride: u32,
    y_stride: u32,
    input_stride: u32,
    recurrence_stride: u32,
    mul_stride: u32,
    mul_first: u32,
    act: u32,
    has: u32,        // bits: 0 mul, 1 the first token is the text's first
}
@group(0) @binding(0) var<uniform> p: RGLRU;
@group(0) @binding(1) var<storage, read> x: array<f32>;                  // [tokens][x_stride]
@group(0) @binding(2) var<storage, read> input_gate: array<f32>;         // [tokens][input_stride]
@group(0) @binding(3) var<storage, read> recurrence_gate: array<f32>;    // [tokens][recurrence_stride]
@group(0) @binding(4) var<storage, read> lambda: array<f32>;             // [channels]
@group(0) @binding(5) var<storage, read> mul: array<f32>;                // [tokens][mul_stride]
@group(0) @binding(6) var<storage, read> before: array<f32>;             // [channels]
@group(0) @binding(7) var<storage, read_write> after: array<f32>;        // [channels]
@group(0) @binding(8) var<storage, read_write> y: array<f32>;            // [tokens][y_stride]

// @section activation
fn sigmoid(x: f32) -> f32 { return 1.0 / (1.0 + exp(min(-x, 80.0))); }
fn activate(kind: u32, x: f32) -> f32 { return x; }
// @end
// @section softplus
fn softplus(x: f32) -> f32 { return log(1.0 + exp(x)); }
// @end
// @section lost
fn lost(z: f32) -> f32 { return 1.0 - exp(z); }
// @end

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let c = id.x;
    if c >= p.channels { return; }
    let rate = -8.0 * softplus(lambda[c]);
    var h = before[c];
    for (var t = 0u; t < p.tokens; t++) {
        let log_a = rate * sigmoid(recurrence_gate[t * p.recurrence_stride + c]);
        var v = x[t * p.x_stride + c] * sigmoid(input_gate[t * p.input_stride + c]);
        if t > 0u || (p.has & 2u) == 0u { v *= sqrt(lost(2.0 * log_a)); }
        h = exp(log_a) * h + v;
        var out = h;
        if (p.has & 1u) != 0u { out *= activate(p.act, mul[t * p.mul_stride + p.mul_first + c]); }
        y[t * p.y_stride + c] = out;
    }
    after[c] = h;
}

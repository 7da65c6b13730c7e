// conv: y = act(bias + Σ_j weight[j]·x[t − K + 1 + j]), each channel by itself; after the tokens' rows come the last K − 1
// inputs, as the state after. A thread a channel and row. Twin: cpu.Conv.
struct Conv {
    channels: u32,
    tokens: u32,
    taps: u32,       // K
    first: u32,      // the column of x for channel 0
    x_stride: u32,
    y_stride: u32,
    w_stride: u32,   // also of the states
    act: u32,
    has: u32,        // bit 0 bias
}
@group(0) @binding(0) var<uniform> p: Conv;
@group(0) @binding(1) var<storage, read> x: array<f32>;                  // [tokens][x_stride]
@group(0) @binding(2) var<storage, read> weight: array<f32>;             // [taps][w_stride]
@group(0) @binding(3) var<storage, read> bias: array<f32>;               // [channels]
@group(0) @binding(4) var<storage, read> before: array<f32>;             // [taps − 1][w_stride]
@group(0) @binding(5) var<storage, read_write> after: array<f32>;        // [taps − 1][w_stride]
@group(0) @binding(6) var<storage, read_write> y: array<f32>;            // [tokens][y_stride]

// @section activation
fn activate(kind: u32, x: f32) -> f32 { return x; }
// @end

// input is channel c of the i-th of the inputs, of which the first K − 1 came before.
fn input(i: u32, c: u32) -> f32 {
    if i + 1u < p.taps { return before[i * p.w_stride + c]; }
    return x[(i + 1u - p.taps) * p.x_stride + p.first + c];
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let c = wg.x * 64u + t;
    let row = wg.y + wg.z * 65535u;
    if c >= p.channels || row + 1u >= p.tokens + p.taps { return; }
    if row >= p.tokens {
        after[(row - p.tokens) * p.w_stride + c] = input(row, c);
        return;
    }
    var s = 0.0;
    if (p.has & 1u) != 0u { s = bias[c]; }
    for (var j = 0u; j < p.taps; j++) { s += weight[j * p.w_stride + c] * input(row + j, c); }
    y[row * p.y_stride + c] = activate(p.act, s);
}

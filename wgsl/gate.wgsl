// gate: y = act(x's first half)·x's second half. A thread an element. Twin: cpu.Gate.
struct Gate {
    columns: u32,
    tokens: u32,
    x_stride: u32,
    y_stride: u32,
    act: u32,
}
@group(0) @binding(0) var<uniform> p: Gate;
@group(0) @binding(1) var<storage, read> x: array<f32>;              // [tokens][x_stride]
@group(0) @binding(2) var<storage, read_write> y: array<f32>;        // [tokens][y_stride]

// @section activation
fn activate(kind: u32, x: f32) -> f32 { return x; }
// @end

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let c = wg.x * 64u + t;
    let row = wg.y + wg.z * 65535u;
    if c >= p.columns || row >= p.tokens { return; }
    let at = row * p.x_stride + c;
    y[row * p.y_stride + c] = activate(p.act, x[at]) * x[at + p.columns];
}

// gather: y[t] = row rows[t] of x, zeros where there is no such row. A thread an element. Twin: cpu.Gather.
struct Gather {
    columns: u32,
    tokens: u32,
    x_rows: u32,
    x_stride: u32,
    y_stride: u32,
}
@group(0) @binding(0) var<uniform> p: Gather;
@group(0) @binding(1) var<storage, read> x: array<f32>;              // [x_rows][x_stride]
@group(0) @binding(2) var<storage, read> rows: array<u32>;           // [tokens]
@group(0) @binding(3) var<storage, read_write> y: array<f32>;        // [tokens][y_stride]

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let c = wg.x * 64u + t;
    let row = wg.y + wg.z * 65535u;
    if c >= p.columns || row >= p.tokens { return; }
    let at = rows[row];
    var v = 0.0;
    if at < p.x_rows { v = x[at * p.x_stride + c]; }
    y[row * p.y_stride + c] = v;
}

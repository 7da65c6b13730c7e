// join: y = the row of a, then that of b. A thread an element. Twin: cpu.Join.
struct Join {
    columns: u32,
    tokens: u32,
    first: u32,      // the columns of a
    a_stride: u32,
    b_stride: u32,
    y_stride: u32,
}
@group(0) @binding(0) var<uniform> p: Join;
@group(0) @binding(1) var<storage, read> a: array<f32>;              // [tokens][a_stride]
@group(0) @binding(2) var<storage, read> b: array<f32>;              // [tokens][b_stride]
@group(0) @binding(3) var<storage, read_write> y: array<f32>;        // [tokens][y_stride]

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let c = wg.x * 64u + t;
    let row = wg.y + wg.z * 65535u;
    if c >= p.columns || row >= p.tokens { return; }
    if c < p.first {
        y[row * p.y_stride + c] = a[row * p.a_stride + c];
    } else {
        y[row * p.y_stride + c] = b[row * p.b_stride + c - p.first];
    }
}

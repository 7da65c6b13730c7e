// log_prob: y[t] = z[t][target] − ln Σ exp z[t], minus infinity for a target outside; one workgroup a row.
// Twin: cpu.LogProb.
struct LogProb {
    cols: u32,
    rows: u32,
    z_stride: u32, // in quads
    y_stride: u32,
}
@group(0) @binding(0) var<uniform> p: LogProb;
@group(0) @binding(1) var<storage, read> z: array<vec4<f32>>;            // [rows][z_stride]
@group(0) @binding(2) var<storage, read> targets: array<u32>;            // [rows]
@group(0) @binding(3) var<storage, read_write> y: array<u32>;            // [rows][y_stride], the bits of f32
var<workgroup> tops: array<f32, 256>;
var<workgroup> sums: array<f32, 256>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let row = wg.x + wg.y * 65535u;
    if row >= p.rows { return; }
    var top = -3.0e38;
    var sum = 0.0;
    for (var c = t; c * 4u < p.cols; c += 256u) {
        let column = vec4<u32>(c * 4u) + vec4<u32>(0u, 1u, 2u, 3u);
        let v = select(vec4<f32>(-3.0e38), z[row * p.z_stride + c], column < vec4<u32>(p.cols));
        let was = top;
        top = max(top, max(max(v.x, v.y), max(v.z, v.w)));
        sum = sum * exp(was - top) + dot(exp(v - top), vec4<f32>(1.0));
    }
    tops[t] = top;
    workgroupBarrier();
    for (var n = 64u; n > 0u; n >>= 2u) {
        if t < n { tops[t] = max(max(tops[t], tops[t + n]), max(tops[t + 2u * n], tops[t + 3u * n])); }
        workgroupBarrier();
    }
    sums[t] = sum * exp(top - tops[0]);
    workgroupBarrier();
    for (var n = 64u; n > 0u; n >>= 2u) {
        if t < n { sums[t] = (sums[t] + sums[t + n]) + (sums[t + 2u * n] + sums[t + 3u * n]); }
        workgroupBarrier();
    }
    if t == 0u {
        let id = targets[row];
        let v = z[row * p.z_stride + min(id, p.cols - 1u) / 4u][id % 4u];
        y[row * p.y_stride] = select(0xff800000u, bitcast<u32>(v - (tops[0] + log(sums[0]))), id < p.cols);
    }
}

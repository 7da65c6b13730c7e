// residual: x ← x + scale·post(y), then z = pre(x); one workgroup a row. Twin: cpu.Residual.
// post and pre are norms as in norm.wgsl; either may be absent. A thread reads back only what it wrote itself.
struct Residual {
    cols: u32,
    rows: u32,
    x_stride: u32, // in quads
    y_stride: u32,
    z_stride: u32,
    post: u32,     // 0 none, 1 layer norm, 2 RMS
    pre: u32,
    has: u32,      // bits: 0 post weight, 1 post bias, 2 pre weight, 3 pre bias
    scale: f32,
    post_eps: f32,
    pre_eps: f32,
}
@group(0) @binding(0) var<uniform> p: Residual;
@group(0) @binding(1) var<storage, read_write> x: array<vec4<f32>>;      // [rows][x_stride]
@group(0) @binding(2) var<storage, read> y: array<vec4<f32>>;            // [rows][y_stride]
@group(0) @binding(3) var<storage, read_write> z: array<vec4<f32>>;      // [rows][z_stride]
@group(0) @binding(4) var<storage, read> post_weight: array<vec4<f32>>;  // [cols/4], as the next three
@group(0) @binding(5) var<storage, read> post_bias: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read> pre_weight: array<vec4<f32>>;
@group(0) @binding(7) var<storage, read> pre_bias: array<vec4<f32>>;
var<workgroup> sums: array<f32, 256>;

// total is Σ v over the workgroup.
fn total(t: u32, v: f32) -> f32 {
    sums[t] = v;
    workgroupBarrier();
    for (var n = 64u; n > 0u; n >>= 2u) {
        if t < n { sums[t] = (sums[t] + sums[t + n]) + (sums[t + 2u * n] + sums[t + 3u * n]); }
        workgroupBarrier();
    }
    let all = sums[0];
    workgroupBarrier();
    return all;
}

// inside is v with the columns past the row's end zeroed.
fn inside(c: u32, v: vec4<f32>) -> vec4<f32> {
    let column = vec4<u32>(0u, 1u, 2u, 3u) + vec4<u32>(c * 4u);
    return select(vec4<f32>(), v, column < vec4<u32>(p.cols));
}
fn sum(v: vec4<f32>) -> f32 { return dot(v, vec4<f32>(1.0)); }

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let row = wg.x + wg.y * 65535u;
    if row >= p.rows { return; }
    let quads = (p.cols + 3u) / 4u;
    let n = f32(p.cols);
    let xs = row * p.x_stride;
    let ys = row * p.y_stride;
    var mean = 0.0;
    var factor = 1.0;
    if p.post == 1u {
        var s = vec4<f32>();
        for (var c = t; c < quads; c += 256u) { s += inside(c, y[ys + c]); }
        mean = total(t, sum(s)) / n;
    }
    if p.post != 0u {
        var s = vec4<f32>();
        for (var c = t; c < quads; c += 256u) {
            let v = inside(c, y[ys + c] - mean);
            s += v * v;
        }
        factor = inverseSqrt(total(t, sum(s)) / n + p.post_eps);
    }
    var added = vec4<f32>();                           // Σ of this thread's new x
    var squares = vec4<f32>();
    for (var c = t; c < quads; c += 256u) {
        var v = (y[ys + c] - mean) * factor;
        if (p.has & 1u) != 0u { v *= post_weight[c]; }
        if (p.has & 2u) != 0u { v += post_bias[c]; }
        v = inside(c, x[xs + c] + p.scale * v);
        x[xs + c] = v;
        added += v;
        squares += v * v;
    }
    if p.pre == 0u { return; }
    mean = 0.0;
    if p.pre == 1u {
        mean = total(t, sum(added)) / n;
        squares = vec4<f32>();
        for (var c = t; c < quads; c += 256u) {
            let v = inside(c, x[xs + c] - mean);
            squares += v * v;
        }
    }
    factor = inverseSqrt(total(t, sum(squares)) / n + p.pre_eps);
    for (var c = t; c < quads; c += 256u) {
        var v = inside(c, (x[xs + c] - mean) * factor);
        if (p.has & 4u) != 0u { v *= pre_weight[c]; }
        if (p.has & 8u) != 0u { v += pre_bias[c]; }
        z[row * p.z_stride + c] = v;
    }
}

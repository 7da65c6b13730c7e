// norm: y = (x − mean)·rsqrt(var + eps)·weight + bias, with rms the mean is 0; one workgroup a row. Twin: cpu.Norm.
// tune: none; a row is read twice (three times for its mean) from cache.
struct Norm {
    cols: u32,
    rows: u32,
    x_stride: u32, // in quads
    y_stride: u32,
    rms: u32,
    has: u32,      // bit 0 weight, bit 1 bias
    eps: f32,
}
@group(0) @binding(0) var<uniform> p: Norm;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;            // [rows][x_stride]
@group(0) @binding(2) var<storage, read> weight: array<vec4<f32>>;       // [cols/4]
@group(0) @binding(3) var<storage, read> bias: array<vec4<f32>>;         // [cols/4]
@group(0) @binding(4) var<storage, read_write> y: array<vec4<f32>>;      // [rows][y_stride]
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

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let row = wg.x + wg.y * 65535u;
    if row >= p.rows { return; }
    let quads = (p.cols + 3u) / 4u;
    let at = row * p.x_stride;
    var mean = 0.0;
    if p.rms == 0u {
        var s = vec4<f32>();
        for (var c = t; c < quads; c += 256u) { s += inside(c, x[at + c]); }
        mean = total(t, dot(s, vec4<f32>(1.0))) / f32(p.cols);
    }
    var s = 0.0;
    for (var c = t; c < quads; c += 256u) {
        let v = inside(c, x[at + c] - mean);
        s += dot(v, v);
    }
    let factor = inverseSqrt(total(t, s) / f32(p.cols) + p.eps);
    for (var c = t; c < quads; c += 256u) {
        var v = inside(c, (x[at + c] - mean) * factor);
        if (p.has & 1u) != 0u { v *= weight[c]; }
        if (p.has & 2u) != 0u { v += bias[c]; }
        y[row * p.y_stride + c] = v;
    }
}

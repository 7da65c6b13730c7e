// long_conv: y[t] = act(Σ_s kernel[s]·in[past + t − s] + d·u[t]) for each channel, in = past inputs, then u; a thread has a quad
// of channels and eight outputs, a workgroup 32 channels and 64 outputs. Twin: cpu.LongConv.
// tune: a block of 8 inputs and 8 outputs takes 23 loads for 64 products, all of neighbouring channels.
struct LongConv {
    tokens: u32,
    channels: u32,
    past: u32,
    taps: u32,
    kernel_stride: u32, // in quads
    past_stride: u32,
    u_stride: u32,
    y_stride: u32,
    act: u32,
    has: u32,           // bit 0: d
}
@group(0) @binding(0) var<uniform> p: LongConv;
@group(0) @binding(1) var<storage, read> u: array<vec4<f32>>;            // [tokens][u_stride]
@group(0) @binding(2) var<storage, read> kernel: array<vec4<f32>>;       // [taps][kernel_stride]
@group(0) @binding(3) var<storage, read> earlier: array<vec4<f32>>;      // [past][past_stride]
@group(0) @binding(4) var<storage, read> d: array<vec4<f32>>;            // [channels/4]
@group(0) @binding(5) var<storage, read_write> y: array<vec4<f32>>;      // [tokens][y_stride]

// @section activation
fn activate(kind: u32, x: f32) -> f32 { return x; }
// @end

// input is quad c of input j, tap that of kernel[s]; zeros outside.
fn input(j: u32, c: u32) -> vec4<f32> {
    if j < p.past { return earlier[j * p.past_stride + c]; }
    if j - p.past < p.tokens { return u[(j - p.past) * p.u_stride + c]; }
    return vec4<f32>();
}
fn tap(s: i32, c: u32) -> vec4<f32> {
    if s < 0 || s >= i32(p.taps) { return vec4<f32>(); }
    return kernel[u32(s) * p.kernel_stride + c];
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let c = wg.x * 8u + t % 8u;
    let first = (wg.y + wg.z * 65535u) * 64u + t / 8u * 8u; // output
    if c * 4u >= p.channels || first >= p.tokens { return; }
    var sum: array<vec4<f32>, 8>;
    let last = p.past + first + 8u;                          // inputs before this one are seen
    var begin = 0u;
    if last > p.taps + 8u { begin = last - p.taps - 8u; }
    for (var j = begin; j < last; j += 8u) {
        let s = i32(p.past + first) - i32(j);                // the tap of input j for the first output
        var taps: array<vec4<f32>, 15>;
        for (var i = 0; i < 15; i++) { taps[i] = tap(s - 7 + i, c); }
        for (var i = 0; i < 8; i++) {
            let x = input(j + u32(i), c);
            for (var o = 0; o < 8; o++) { sum[o] += taps[o - i + 7] * x; }
        }
    }
    for (var o = 0u; o < 8u && first + o < p.tokens; o++) {
        var v = sum[o];
        if (p.has & 1u) != 0u { v += d[c] * u[(first + o) * p.u_stride + c]; }
        for (var i = 0u; i < 4u; i++) { v[i] = activate(p.act, v[i]); }
        y[(first + o) * p.y_stride + c] = v;
    }
}

// diagonal_scan: x ← a·x + u, y = act(Re Σ c·x + d·u) with complex x, a and c, for each channel and token; four threads a
// channel. Twin: cpu.DiagonalScan.
// tune: PER quads of poles a thread, in registers; sixteen tokens between two barriers.
struct DiagonalScan {
    tokens: u32,
    channels: u32,
    quads: u32,        // of poles
    state_stride: u32, // of a, c and the states, in quads
    u_stride: u32,
    y_stride: u32,
    act: u32,
    has: u32,          // bit 0: d
}
@group(0) @binding(0) var<uniform> p: DiagonalScan;
@group(0) @binding(1) var<storage, read> u: array<f32>;                  // [tokens][u_stride]
@group(0) @binding(2) var<storage, read> poles: array<vec4<f32>>;        // [channels][state_stride]: real parts, then imaginary ones
@group(0) @binding(3) var<storage, read> weights: array<vec4<f32>>;      // the same
@group(0) @binding(4) var<storage, read> d: array<f32>;                  // [channels]
@group(0) @binding(5) var<storage, read> before: array<vec4<f32>>;       // as poles
@group(0) @binding(6) var<storage, read_write> after: array<vec4<f32>>;  // as poles
@group(0) @binding(7) var<storage, read_write> y: array<f32>;            // [tokens][y_stride]
const PER: u32 = 2u;
var<workgroup> parts: array<f32, 1024>;                                  // [16 tokens][16 channels][4]

// @section activation
fn activate(kind: u32, x: f32) -> f32 { return x; }
// @end

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let first_channel = (wg.x + wg.y * 65535u) * 16u;
    let channel = first_channel + t / 4u;
    let there = channel < p.channels;
    var re: array<vec4<f32>, PER>;
    var im: array<vec4<f32>, PER>;
    var a_re: array<vec4<f32>, PER>;
    var a_im: array<vec4<f32>, PER>;
    var c_re: array<vec4<f32>, PER>;
    var c_im: array<vec4<f32>, PER>;
    for (var i = 0u; i < PER; i++) {
        let q = t % 4u + 4u * i;
        if there && q < p.quads {
            let at = channel * p.state_stride + q;
            re[i] = before[at];
            im[i] = before[at + p.quads];
            a_re[i] = poles[at];
            a_im[i] = poles[at + p.quads];
            c_re[i] = weights[at];
            c_im[i] = weights[at + p.quads];
        }
    }
    for (var first = 0u; first < p.tokens; first += 16u) {
        for (var n = 0u; n < 16u; n++) {
            var sum = 0.0;
            if there && first + n < p.tokens {
                let x = u[(first + n) * p.u_stride + channel];
                for (var i = 0u; i < PER; i++) {
                    let r = a_re[i] * re[i] - a_im[i] * im[i] + x;
                    im[i] = a_re[i] * im[i] + a_im[i] * re[i];
                    re[i] = r;
                    sum += dot(c_re[i], r) - dot(c_im[i], im[i]);
                }
            }
            parts[n * 64u + t] = sum;
        }
        workgroupBarrier();
        for (var n = t; n < 256u; n += 64u) {
            let token = first + n / 16u;
            let c = first_channel + n % 16u;
            if token < p.tokens && c < p.channels {
                let at = n * 4u;
                var sum = (parts[at] + parts[at + 1u]) + (parts[at + 2u] + parts[at + 3u]);
                if (p.has & 1u) != 0u { sum += d[c] * u[token * p.u_stride + c]; }
                y[token * p.y_stride + c] = activate(p.act, sum);
            }
        }
        workgroupBarrier();
    }
    for (var i = 0u; i < PER; i++) {
        let q = t % 4u + 4u * i;
        if there && q < p.quads {
            let at = channel * p.state_stride + q;
            after[at] = re[i];
            after[at + p.quads] = im[i];
        }
    }
}

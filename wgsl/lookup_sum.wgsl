// lookup_sum: the sum of some queries; a thread a quad. Twin: cpu.Lookup, with lookup_score and lookup_pick.
struct Lookup {
    tokens: u32,
    quads: u32,       // of all heads
    q_stride: u32,    // in quads
}
@group(0) @binding(0) var<uniform> p: Lookup;
@group(0) @binding(1) var<storage, read> q: array<vec4<f32>>;            // [tokens][quads]
@group(0) @binding(2) var<storage, read_write> sum: array<vec4<f32>>;    // [quads]

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= p.quads { return; }
    var s = vec4<f32>();
    for (var n = 0u; n < p.tokens; n++) { s += q[n * p.q_stride + id.x]; }
    sum[id.x] = s;
}

// probe_copy: b ← a, one quad a thread, to measure what the memory of an adapter does. It has no twin.
struct ProbeCopy {
    quads: u32,
}
@group(0) @binding(0) var<uniform> p: ProbeCopy;
@group(0) @binding(1) var<storage, read> a: array<vec4<u32>>;            // [quads]
@group(0) @binding(2) var<storage, read_write> b: array<vec4<u32>>;      // [quads]

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let i = (wg.y * 65535u + wg.x) * 256u + t;
    if i < p.quads { b[i] = a[i]; }
}

// state_norm: the Frobenius norm of each head's state is kept, learned, or bounded by what was learned; one workgroup a head.
// Twin: cpu.StateNorm.
struct StateNorm {
    width: u32,      // rows of a head
    states: u32,
    stride: u32,
    phase: u32,      // 0 keep, 1 learn, 2 bound
}
@group(0) @binding(0) var<uniform> p: StateNorm;
@group(0) @binding(1) var<storage, read> before: array<f32>;             // [heads]
@group(0) @binding(2) var<storage, read_write> after: array<f32>;        // [heads]
@group(0) @binding(3) var<storage, read_write> state: array<f32>;        // [heads·width][stride]
var<workgroup> sums: array<f32, 256>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let head = wg.x;
    let most = before[head];
    if p.phase == 0u {
        if t == 0u { after[head] = most; }
        return;
    }
    let first = head * p.width;
    let count = p.width * p.states;
    var s = 0.0;
    for (var i = t; i < count; i += 256u) {
        let v = state[(first + i / p.states) * p.stride + i % p.states];
        s += v * v;
    }
    sums[t] = s;
    workgroupBarrier();
    for (var n = 64u; n > 0u; n >>= 2u) {
        if t < n { sums[t] = (sums[t] + sums[t + n]) + (sums[t + 2u * n] + sums[t + 3u * n]); }
        workgroupBarrier();
    }
    let norm = sqrt(sums[0]);
    if t == 0u { after[head] = select(most, norm, p.phase == 1u); }
    if p.phase == 1u || norm <= most { return; }
    let scale = most / norm;
    for (var i = t; i < count; i += 256u) { state[(first + i / p.states) * p.stride + i % p.states] *= scale; }
}

// part_norm: y = norm(x)·weight·act(gate), or norm(x·act(gate))·weight, the norm of each part of a row by itself; one
// workgroup a part. Twin: cpu.PartNorm.
struct PartNorm {
    rows: u32,
    lead: u32,       // columns of the first part, where above 0
    part: u32,       // and of the others
    x_stride: u32,
    y_stride: u32,
    gate_stride: u32,
    gate_first: u32,
    act: u32,
    has: u32,        // bits: 0 weight, 1 gate, 2 gate before the norm
    eps: f32,
}
@group(0) @binding(0) var<uniform> p: PartNorm;
@group(0) @binding(1) var<storage, read> x: array<f32>;                  // [rows][x_stride]
@group(0) @binding(2) var<storage, read> weight: array<f32>;             // [cols]
@group(0) @binding(3) var<storage, read> gate: array<f32>;               // [rows][gate_stride]
@group(0) @binding(4) var<storage, read_write> y: array<f32>;            // [rows][y_stride]
var<workgroup> sums: array<f32, 256>;

// @section activation
fn activate(kind: u32, x: f32) -> f32 { return x; }
// @end

fn gate_of(row: u32, c: u32) -> f32 { return activate(p.act, gate[row * p.gate_stride + p.gate_first + c]); }

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let row = wg.y + wg.z * 65535u;
    if row >= p.rows { return; }
    var first = wg.x * p.part;
    var count = p.part;
    if p.lead > 0u {
        first = select(p.lead + first - p.part, 0u, wg.x == 0u);
        count = select(p.part, p.lead, wg.x == 0u);
    }
    let before = (p.has & 6u) == 6u;
    var s = 0.0;
    for (var c = first + t; c < first + count; c += 256u) {
        var v = x[row * p.x_stride + c];
        if before { v *= gate_of(row, c); }
        s += v * v;
    }
    sums[t] = s;
    workgroupBarrier();
    for (var n = 64u; n > 0u; n >>= 2u) {
        if t < n { sums[t] = (sums[t] + sums[t + n]) + (sums[t + 2u * n] + sums[t + 3u * n]); }
        workgroupBarrier();
    }
    let factor = inverseSqrt(sums[0] / f32(count) + p.eps);
    for (var c = first + t; c < first + count; c += 256u) {
        var v = x[row * p.x_stride + c] * factor;
        if (p.has & 2u) != 0u { v *= gate_of(row, c); }
        if (p.has & 1u) != 0u { v *= weight[c]; }
        y[row * p.y_stride + c] = v;
    }
}

// attend_merge: y = Σ_s e^(top_s − top)·acc_s / Σ_s e^(top_s − top)·sum_s over the splits of attention; one workgroup a head
// and token. Twin: cpu.Attend.
struct Merge {
    heads: u32,
    head_dim: u32,
    padded: u32,   // Dp, head_dim padded to quads
    splits: u32,
    first: u32,    // the token of y that token 0 of part is
    y_stride: u32,
    log_sum: u32,  // 1: ln Σ e^score is stored after all heads
}
@group(0) @binding(0) var<uniform> p: Merge;
@group(0) @binding(1) var<storage, read> part: array<f32>;               // [tokens][heads][splits][Dp acc, top, sum, 2 unused]
@group(0) @binding(2) var<storage, read_write> y: array<f32>;            // [tokens][heads][head_dim]

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let row = p.padded + 4u;
    let base = (wg.y * p.heads + wg.x) * p.splits * row;
    var top = -1.0e30;
    for (var s = 0u; s < p.splits; s++) { top = max(top, part[base + s * row + p.padded]); }
    var sum = 0.0;
    for (var s = 0u; s < p.splits; s++) {
        let at = base + s * row + p.padded;
        sum += exp(part[at] - top) * part[at + 1u];
    }
    let factor = select(0.0, 1.0 / sum, sum > 0.0);
    if t == 0u && p.log_sum == 1u {
        y[(p.first + wg.y) * p.y_stride + p.heads * p.head_dim + wg.x] = select(-1.0e30, top + log(sum), sum > 0.0);
    }
    for (var d = t; d < p.head_dim; d += 64u) {
        var acc = 0.0;
        for (var s = 0u; s < p.splits; s++) {
            let at = base + s * row;
            acc += exp(part[at + p.padded] - top) * part[at + d];
        }
        y[(p.first + wg.y) * p.y_stride + wg.x * p.head_dim + d] = acc * factor;
    }
}

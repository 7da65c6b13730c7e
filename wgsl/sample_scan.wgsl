// sample_scan: the logits after penalties and temperature, and of each chunk of them what sample needs: the largest logit
// and Σ exp before penalties, the largest after and its id (ties to the lower). Twin: cpu.Sample.
// Penalties in Hugging Face's order: repetition (arXiv 1909.05858), then frequency and presence.
struct Scan {
    vocab: u32,
    chunk: u32,       // logits a workgroup
    penalised: u32,   // 1: counts are there
    repetition: f32,  // 0 none
    presence: f32,
    frequency: f32,
    temperature: f32, // 0 greedy
}
@group(0) @binding(0) var<uniform> p: Scan;
@group(0) @binding(1) var<storage, read> logits: array<f32>;             // [vocab]
@group(0) @binding(2) var<storage, read> counts: array<u32>;             // [vocab], bit 31: in the prompt
@group(0) @binding(3) var<storage, read_write> z: array<f32>;            // [vocab padded to quads]
@group(0) @binding(4) var<storage, read_write> chunks: array<vec4<u32>>; // [workgroups]: top, Σ exp, largest z, its id
var<workgroup> best: array<f32, 256>;
var<workgroup> ids: array<u32, 256>;
var<workgroup> tops: array<f32, 256>;
var<workgroup> sums: array<f32, 256>;

fn penalise(v: f32, count: u32) -> f32 {
    if count == 0u { return v; }
    var r = v;
    if p.repetition > 0.0 { r = select(v * p.repetition, v / p.repetition, v > 0.0); }
    let n = count & 0x7fffffffu;
    if n > 0u { r -= p.frequency * f32(n) + p.presence; }
    return r;
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    var top = -3.0e38;
    var sum = 0.0;
    var most = -3.0e38;
    var id = 0xffffffffu;
    let end = min(p.vocab, (wg.x + 1u) * p.chunk);
    for (var i = wg.x * p.chunk + t; i < end; i += 256u) {
        var v = logits[i];
        let was = top;
        top = max(top, v);
        sum = sum * exp(was - top) + exp(v - top);
        if p.penalised == 1u { v = penalise(v, counts[i]); }
        if p.temperature > 0.0 { v /= p.temperature; }
        z[i] = v;
        if i + 1u == p.vocab {                         // the padding is never drawn
            for (var j = p.vocab; j % 4u != 0u; j++) { z[j] = -3.0e38; }
        }
        if v > most || id == 0xffffffffu {
            most = v;
            id = i;
        }
    }
    best[t] = most;
    ids[t] = id;
    tops[t] = top;
    workgroupBarrier();
    for (var n = 128u; n > 0u; n >>= 1u) {
        if t < n {
            tops[t] = max(tops[t], tops[t + n]);
            if best[t + n] > best[t] || (best[t + n] == best[t] && ids[t + n] < ids[t]) {
                best[t] = best[t + n];
                ids[t] = ids[t + n];
            }
        }
        workgroupBarrier();
    }
    sums[t] = sum * exp(top - tops[0]);
    workgroupBarrier();
    for (var n = 128u; n > 0u; n >>= 1u) {
        if t < n { sums[t] += sums[t + n]; }
        workgroupBarrier();
    }
    if t == 0u { chunks[wg.x] = vec4<u32>(bitcast<u32>(tops[0]), bitcast<u32>(sums[0]), bitcast<u32>(best[0]), ids[0]); }
}

// sample: an id drawn from the logits that sample_scan prepared, by one workgroup. Twin: cpu.Sample.
// Greedy: the largest. Else top-k and top-p each find a threshold by four histograms of eight bits over patterns that
// order as the floats do (of counts, or of masses in units of 2⁻³⁰ of the kept total), min-p gives another, and the
// draw is the arg max of z + Gumbel noise over what is not below them.
struct Sample {
    vocab: u32, chunks: u32,
    greedy: u32,
    top_k: u32, top_p: f32, // 0 all
    min_p: f32,    // ln, or −1e30 for all
    seed: u32, step: u32,
    counted: u32,  // 1: counts are there
}
@group(0) @binding(0) var<uniform> p: Sample;
@group(0) @binding(1) var<storage, read> logits: array<f32>;             // [vocab]
@group(0) @binding(2) var<storage, read> z: array<vec4<f32>>;            // [vocab/4], from sample_scan
@group(0) @binding(3) var<storage, read> chunks: array<vec4<u32>>;       // [chunks], from sample_scan
@group(0) @binding(4) var<storage, read_write> counts: array<u32>;       // [vocab]
@group(0) @binding(5) var<storage, read_write> next: array<u32>;         // [1]
@group(0) @binding(6) var<storage, read_write> y: array<u32>;            // [id, bits of its log-probability]
var<workgroup> bins: array<atomic<u32>, 256>;
var<workgroup> best: array<f32, 256>;
var<workgroup> ids: array<u32, 256>;
var<workgroup> choice: vec2<u32>;                                        // the pattern so far, what is still to be reached

// order is patterns that order as the floats do.
fn order(v: vec4<f32>) -> vec4<u32> {
    let b = bitcast<vec4<u32>>(v);
    return select(b | vec4<u32>(0x80000000u), ~b, b > vec4<u32>(0x7fffffffu));
}

// count adds a logit's count or mass to its bin.
fn count(o: u32, mass: f32, unit: f32, shift: u32, cut: u32, prefix: u32) {
    if o < cut || (shift < 32u && (o >> (shift % 32u)) != prefix) { return; }
    atomicAdd(&bins[(o >> (shift - 8u)) & 255u], select(u32(mass * unit + 0.5), 1u, unit == 0.0));
}

// largest is the largest (v, id) of the workgroup in best[0] and ids[0], ties to the lower id.
fn largest(t: u32, v: f32, id: u32) {
    workgroupBarrier();
    best[t] = v;
    ids[t] = id;
    workgroupBarrier();
    for (var n = 128u; n > 0u; n >>= 1u) {
        if t < n && (best[t + n] > best[t] || (best[t + n] == best[t] && ids[t + n] < ids[t])) {
            best[t] = best[t + n];
            ids[t] = ids[t + n];
        }
        workgroupBarrier();
    }
}

// total is Σ v over the workgroup.
fn total(t: u32, v: f32) -> f32 {
    workgroupBarrier();
    best[t] = v;
    workgroupBarrier();
    for (var n = 128u; n > 0u; n >>= 1u) {
        if t < n { best[t] += best[t + n]; }
        workgroupBarrier();
    }
    return best[0];
}

// reach is the largest pattern, not below cut, at which the sum over all patterns not below it reaches a share of their
// total mass, or with unit 0 a number of ids.
fn reach(t: u32, cut: u32, top: f32, unit: f32, share: f32, number: u32) -> u32 {
    if t == 0u { choice = vec2<u32>(0u, number); }
    for (var shift = 32u; shift > 0u; shift -= 8u) {
        atomicStore(&bins[t], 0u);
        workgroupBarrier();
        let prefix = choice.x;
        for (var i = t; i * 4u < p.vocab; i += 256u) {
            let o = order(z[i]);
            let mass = exp(z[i] - top);
            count(o.x, mass.x, unit, shift, cut, prefix);
            count(o.y, mass.y, unit, shift, cut, prefix);
            count(o.z, mass.z, unit, shift, cut, prefix);
            count(o.w, mass.w, unit, shift, cut, prefix);
        }
        workgroupBarrier();
        var above = 0u;                                // what the bins above this thread's hold
        for (var b = t + 1u; b < 256u; b++) { above += atomicLoad(&bins[b]); }
        let own = atomicLoad(&bins[t]);
        if t == 0u && shift == 32u && unit > 0.0 { choice.y = max(1u, u32(ceil(share * f32(above + own)))); }
        workgroupBarrier();
        let goal = choice.y;
        workgroupBarrier();
        if (above < goal && goal - above <= own) || (t == 0u && above + own < goal) {
            choice = vec2<u32>((prefix << 8u) | t, goal - above);
        }
        workgroupBarrier();
    }
    return max(cut, choice.x);
}

fn hash(v: u32) -> u32 {                               // the output permutation of PCG-RXS-M-XS 32
    let s = v * 747796405u + 2891336453u;
    let w = ((s >> ((s >> 28u) + 4u)) ^ s) * 277803737u;
    return (w >> 22u) ^ w;
}

// gumbel is −ln(−ln u) with u = (h + ½)·2⁻²³; near u = 1, where a GPU's log is coarse, −ln u is a series in 1 − u.
fn gumbel(id: u32) -> f32 {
    let h = f32(hash(id ^ hash(p.step ^ hash(p.seed))) >> 9u);
    let v = (8388607.5 - h) * 1.1920929e-7;
    let series = v * (1.0 + v * (0.5 + v * (0.33333333 + v * (0.25 + v * (0.2 + v * 0.16666667)))));
    return -log(select(-log((h + 0.5) * 1.1920929e-7), series, v < 0.0625));
}

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) t: u32) {
    let c = bitcast<vec4<f32>>(chunks[min(t, p.chunks - 1u)]);
    largest(t, select(-3.0e38, c.x, t < p.chunks), t);
    let raw_top = best[0];
    let raw_sum = total(t, select(0.0, c.y * exp(c.x - raw_top), t < p.chunks));
    largest(t, select(-3.0e38, c.z, t < p.chunks), select(0xffffffffu, bitcast<u32>(c.w), t < p.chunks));
    let top = best[0];
    if p.greedy == 0u {
        var cut = 0u;
        if p.top_k > 0u { cut = reach(t, cut, top, 0.0, 0.0, p.top_k); }
        if p.top_p > 0.0 {
            var s = 0.0;
            for (var i = t; i * 4u < p.vocab; i += 256u) {
                s += dot(exp(z[i] - top), select(vec4<f32>(), vec4<f32>(1.0), order(z[i]) >= vec4<u32>(cut)));
            }
            cut = reach(t, cut, top, 1073741824.0 / total(t, s), p.top_p, 0u);
        }
        var most = -3.0e38;
        var id = 0xffffffffu;
        for (var i = t; i * 4u < p.vocab; i += 256u) {
            let o = order(z[i]);
            for (var j = 0u; j < 4u; j++) {
                if o[j] < cut || z[i][j] < top + p.min_p { continue; }
                let v = z[i][j] + gumbel(i * 4u + j);
                if v > most || id == 0xffffffffu {
                    most = v;
                    id = i * 4u + j;
                }
            }
        }
        largest(t, most, id);
    }
    if t == 0u {
        let id = min(ids[0], p.vocab - 1u);
        next[0] = id;
        y[0] = id;
        y[1] = bitcast<u32>(logits[id] - (raw_top + log(raw_sum)));
        if p.counted == 1u { counts[id] += 1u; }
    }
}

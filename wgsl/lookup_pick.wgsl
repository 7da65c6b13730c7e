// lookup_pick: the blocks with the largest scores, in rising order, and their pages put into another view; one workgroup.
// Twin: cpu.Lookup, with lookup_sum and lookup_score.
struct Lookup {
    count: u32,       // of blocks
    picks: u32,       // at most 256
    located: u32,      // words of the second page list: pairs of block and page; 0: a page for each block
    segment: u32,     // of the target view
    mark: u32,
}
@group(0) @binding(0) var<uniform> p: Lookup;
@group(0) @binding(1) var<storage, read> table: array<u32>;              // the view of representatives, and where blocks are
@group(0) @binding(2) var<storage, read_write> scores: array<f32>;       // [count]; those of picked blocks are lost
@group(0) @binding(3) var<storage, read_write> tops: array<f32>;         // [count/64]: the largest of each 64
@group(0) @binding(4) var<storage, read_write> picks: array<u32>;        // [picks]
@group(0) @binding(5) var<storage, read_write> missed: array<u32>;       // [1]
@group(0) @binding(6) var<storage, read_write> target_view: array<u32>;  // the view's table
var<workgroup> best: array<f32, 64>;
var<workgroup> at: array<u32, 64>;
var<workgroup> chosen: array<u32, 256>;
var<workgroup> miss: u32;

// largest is the first index of the largest best; best and at are of use again after it.
fn largest(t: u32, v: f32, i: u32) -> u32 {
    best[t] = v;
    at[t] = i;
    workgroupBarrier();
    for (var s = 32u; s > 0u; s >>= 1u) {
        if t < s && (best[t + s] > best[t] || (best[t + s] == best[t] && at[t + s] < at[t])) {
            best[t] = best[t + s];
            at[t] = at[t + s];
        }
        workgroupBarrier();
    }
    let found = at[0];
    workgroupBarrier();
    return found;
}

// page is where a block is; NOWHERE where it is not.
const NOWHERE = 0xffffffffu;
fn page(block: u32) -> u32 {
    let list = table[8];
    if p.located == 0u { return table[list + block]; }
    for (var i = 0u; i < p.located; i += 2u) {
        if table[list + i] == block { return table[list + i + 1u]; }
    }
    return NOWHERE;
}

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) t: u32) {
    let groups = (p.count + 63u) / 64u;
    if t == 0u { miss = 0u; }
    for (var n = 0u; n < p.picks; n++) {
        var v = -3.0e38;
        var group = t;
        for (var g = t; g < groups; g += 64u) {
            if tops[g] > v {
                v = tops[g];
                group = g;
            }
        }
        group = min(largest(t, v, group), groups - 1u);
        let i = group * 64u + t;
        v = -3.0e38;
        if i < p.count { v = scores[i]; }
        let block = min(largest(t, v, i), p.count - 1u);
        if t == 0u { chosen[n] = block; }
        if i == block {
            v = -3.0e38;
            scores[i] = v;
        }
        _ = largest(t, v, t);
        if t == 0u { tops[group] = best[0]; }
        storageBarrier();
        workgroupBarrier();
    }
    for (var n = t; n < p.picks; n += 64u) {
        let block = chosen[n];
        var rank = 0u;
        for (var m = 0u; m < p.picks; m++) { rank += select(0u, 1u, chosen[m] < block || (chosen[m] == block && m < n)); }
        let found = page(block);
        if found == NOWHERE { miss = 1u; }
        picks[rank] = block;
        target_view[target_view[p.segment * 8u] + rank] = select(found, 0u, found == NOWHERE);
    }
    workgroupBarrier();
    if t == 0u && miss == 1u && missed[0] == 0u { missed[0] = p.mark; }
}

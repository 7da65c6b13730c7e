// lookup_score: how much blocks matter: the product of a sum of queries with their representatives, over all heads, and the
// largest in each 64; one workgroup for 64 blocks. Twin: cpu.Lookup, with lookup_sum and lookup_pick.
struct Lookup {
    heads: u32,
    quads: u32,       // of a padded head
    page: u32,
    count: u32,       // of blocks
}
@group(0) @binding(0) var<uniform> p: Lookup;
@group(0) @binding(1) var<storage, read> q: array<vec4<f32>>;            // [heads][Dp/4]
@group(0) @binding(2) var<storage, read> reps: array<vec4<f32>>;         // [pages][heads][Dp/4][page] quads
@group(0) @binding(3) var<storage, read> table: array<u32>;              // the view of representatives
@group(0) @binding(4) var<storage, read_write> scores: array<f32>;       // [count]
@group(0) @binding(5) var<storage, read_write> tops: array<f32>;         // [count/64]
var<workgroup> top: array<f32, 64>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let group = wg.x + wg.y * 65535u;
    let i = group * 64u + t;
    var s = -3.0e38;
    if i < p.count {
        let place = table[1] + i;
        var at = table[table[0] + place / p.page] * p.heads * p.quads * p.page + place % p.page;
        var v = vec4<f32>();
        for (var c = 0u; c < p.heads * p.quads; c++) {
            v += q[c] * reps[at];
            at += p.page;
        }
        s = (v.x + v.y) + (v.z + v.w);
        scores[i] = s;
    }
    top[t] = s;
    workgroupBarrier();
    for (var n = 32u; n > 0u; n >>= 1u) {
        if t < n { top[t] = max(top[t], top[t + n]); }
        workgroupBarrier();
    }
    if t == 0u { tops[group] = top[0]; }
}

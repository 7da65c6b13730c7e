// lookup_score: how much blocks matter: the product of a sum of queries with their representatives, over all heads, and the
// largest in each 64; one workgroup for four times 64 blocks. Twin: cpu.Lookup, with lookup_sum and lookup_pick.
// tune: a thread has four blocks, so that a quad of the queries is read once for them.
struct Lookup {
    heads: u32,
    quads: u32,       // of a padded head
    page: u32,
    count: u32,       // of blocks
}
@group(0) @binding(0) var<uniform> p: Lookup;
@group(0) @binding(1) var<storage, read> q: array<vec4<f32>>;            // [heads][Dp/4]
@group(0) @binding(2) var<storage, read> reps: array<vec2<u32>>;         // [pages][heads][Dp/4][page] quads
@group(0) @binding(3) var<storage, read> table: array<u32>;              // the view of representatives
@group(0) @binding(4) var<storage, read_write> scores: array<f32>;       // [count]
@group(0) @binding(5) var<storage, read_write> tops: array<f32>;         // [count/64]
var<workgroup> top: array<vec4<f32>, 64>;

fn quad(at: u32) -> vec4<f32> { return vec4<f32>(unpack2x16float(reps[at].x), unpack2x16float(reps[at].y)); }

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let group = (wg.x + wg.y * 65535u) * 4u;
    var at: vec4<u32>;
    for (var n = 0u; n < 4u; n++) {
        let place = table[1] + min((group + n) * 64u + t, p.count - 1u);
        at[n] = table[table[0] + place / p.page] * p.heads * p.quads * p.page + place % p.page;
    }
    var score = vec4<f32>();
    for (var c = 0u; c < p.heads * p.quads; c++) {
        let v = q[c];
        score += vec4<f32>(dot(v, quad(at.x)), dot(v, quad(at.y)), dot(v, quad(at.z)), dot(v, quad(at.w)));
        at += vec4<u32>(p.page);
    }
    for (var n = 0u; n < 4u; n++) {
        let i = (group + n) * 64u + t;
        if i < p.count { scores[i] = score[n]; } else { score[n] = -3.0e38; }
    }
    top[t] = score;
    workgroupBarrier();
    for (var n = 32u; n > 0u; n >>= 1u) {
        if t < n { top[t] = max(top[t], top[t + n]); }
        workgroupBarrier();
    }
    if t < 4u && (group + t) * 64u < p.count { tops[group + t] = top[0][t]; }
}

// qkv_rope: heads of queries, keys and values: normalised, clipped, rotated (arXiv 2104.09864), to q and to the cache;
// one workgroup a head and token. Twin: cpu.QKVRope.
// The rotation of a pair (a, b): (a·cos − b·sin, b·cos + a·sin). Dp is head_dim padded to quads.
struct Rope {
    first: u32,       // the first head of this dispatch; heads count queries of every set, then keys, then values
    heads: u32,       // of queries
    kv_heads: u32,
    head_dim: u32,
    page: u32,
    rotary: u32,
    interleaved: u32,
    tokens: u32,
    x_stride: u32,
    q_stride: u32,    // in quads
    rope_stride: u32,
    biased: u32,      // 1: second is the bias of the norm, not the weight of the keys' norm
    q_norm: u32,      // bits: 0 there, 1 RMS, 2 whole, 3 weight, 4 a weight of its own each head, 5 bias, 6 a bias each
    k_norm: u32,
    q_eps: f32,
    k_eps: f32,
    clip: f32,
    sets: u32,        // of queries
    apart: u32,       // 1: queries of a set are rotated by the block after the set's
}
@group(0) @binding(0) var<uniform> p: Rope;
@group(0) @binding(1) var<storage, read> x: array<f32>;                  // [tokens][x_stride]
@group(0) @binding(2) var<storage, read> slots: array<u32>;              // [tokens]
@group(0) @binding(3) var<storage, read> rope: array<f32>;               // [blocks][tokens][rotary/2 cosines, rotary/2 sines]
@group(0) @binding(4) var<storage, read> weight: array<f32>;             // [head_dim] or [heads][head_dim]
@group(0) @binding(5) var<storage, read> second: array<f32>;             // likewise
@group(0) @binding(6) var<storage, read_write> q: array<vec4<f32>>;      // [sets][tokens][heads][Dp/4]
@group(0) @binding(7) var<storage, read_write> keys: array<Row>;         // [pages][kv_heads][rows][page]
@group(0) @binding(8) var<storage, read_write> values: array<Row>;       // [pages][kv_heads][page][rows]
var<workgroup> sums: array<f32, 64>;
var<workgroup> head: array<f32, 512>;

// @section kv
alias Row = vec4<f32>; fn head_rows(quads: u32) -> u32 { return quads; }
fn key(at: u32, c: u32) -> vec4<f32> { return keys[at + c * p.page]; }
fn value(at: u32, c: u32) -> vec4<f32> { return values[at + c]; }
// @end
// @section kv_store
fn largest(t: u32, v: vec4<f32>) -> f32 { return 0.0; }
fn store_key(at: u32, c: u32, v: vec4<f32>, most: f32) { keys[at + c * p.page] = v; }
fn store_value(at: u32, c: u32, v: vec4<f32>, most: f32) { values[at + c] = v; }
// @end

// total is Σ v over the workgroup.
fn total(t: u32, v: f32) -> f32 {
    sums[t] = v;
    workgroupBarrier();
    for (var n = 16u; n > 0u; n >>= 2u) {
        if t < n { sums[t] = (sums[t] + sums[t + n]) + (sums[t + 2u * n] + sums[t + 3u * n]); }
        workgroupBarrier();
    }
    let all = sums[0];
    workgroupBarrier();
    return all;
}

// @section turned
fn quad(row: u32, d: u32, rotary: u32) -> vec4<f32> { return vec4<f32>(head[d] + rope[row + rotary]); }
// @end

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let token = wg.y + wg.z * 65535u;
    if token >= p.tokens { return; }
    let number = p.first + wg.x;
    let is_q = number < p.sets * p.heads;
    let query_set = number / p.heads;                             // of a query
    let h = select(number - (p.sets - 1u) * p.heads, number % p.heads, is_q);
    let is_v = h >= p.heads + p.kv_heads;
    let own = select((h - p.heads) % p.kv_heads, h, is_q);  // its number among its kind
    let row = token * p.x_stride;
    let norm = select(select(p.k_norm, p.q_norm, is_q), 0u, is_v);
    var mean = 0.0;
    var factor = 1.0;
    if (p.q_norm | p.k_norm) != 0u {                   // for values too, so that the barriers are for all
        let whole = (norm & 4u) != 0u;
        let n = select(p.head_dim, p.head_dim * select(p.kv_heads, p.heads, is_q), whole);
        let at = row + select(h, select(p.heads, 0u, is_q), whole) * p.head_dim;
        var s = 0.0;
        for (var i = t; i < n; i += 64u) { s += x[at + i]; }
        mean = total(t, s) / f32(n);
        if (norm & 3u) != 1u { mean = 0.0; }
        s = 0.0;
        for (var i = t; i < n; i += 64u) { s += (x[at + i] - mean) * (x[at + i] - mean); }
        factor = inverseSqrt(total(t, s) / f32(n) + select(p.k_eps, p.q_eps, is_q));
    }
    for (var d = t; d < p.head_dim; d += 64u) {
        var v = x[row + h * p.head_dim + d];
        if norm != 0u {
            v = (v - mean) * factor;
            let at = d + select(0u, own * p.head_dim, (norm & 16u) != 0u);
            if (norm & 8u) != 0u {
                if is_q || p.biased == 1u { v *= weight[at]; } else { v *= second[at]; }
            }
            if (norm & 32u) != 0u { v += second[d + select(0u, own * p.head_dim, (norm & 64u) != 0u)]; }
        }
        head[d] = select(v, clamp(v, -p.clip, p.clip), p.clip > 0.0);
    }
    workgroupBarrier();
    let quads = (p.head_dim + 3u) / 4u;
    let slot = slots[token];
    let base = (slot / p.page * p.kv_heads + own) * head_rows(quads) * p.page; // the head's part of the page, in rows
    let rotary = select(p.rotary, 0u, is_v);
    let turn = select(0u, query_set + p.apart, is_q) * p.tokens + token;
    let v = quad(turn, t * 4u, rotary);                // a thread has one quad
    let most = largest(t, v);
    if t >= quads { return; }
    if is_q {
        q[(query_set * p.tokens + token) * p.q_stride + h * quads + t] = v;
    } else if is_v {
        store_value(base + slot % p.page * head_rows(quads), t, v, most);
    } else {
        store_key(base + slot % p.page, t, v, most);
    }
}

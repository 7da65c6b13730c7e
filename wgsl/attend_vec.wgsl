// attend_vec: softmax attention of one token over a view, for few tokens: one workgroup for HEADS query heads of a KV head
// and a split of the keys, 64 keys at a time, a key a thread, then a quad of a value a thread. Twin: cpu.Attend.
// One split: y is the result. More: partial results for attend_merge.
// tune: HEADS 1, 4 or 8; QUADS = Dp/4 up to 64 (Dp: the head padded to quads), QUERY = HEADS·QUADS, ROWS = 64/QUADS
const HEADS: u32 = 8u;
const QUADS: u32 = 16u;
const QUERY: u32 = 128u;
const ROWS: u32 = 4u;
const TILE: u32 = 64u;                                                   // not tunable
struct Attend {
    heads: u32, kv_heads: u32, group: u32,                     // group: query heads of a KV head
    head_dim: u32, page: u32, segments: u32,
    tiles: u32, splits: u32,                                   // tiles: in a split
    first: u32, tokens: u32, pos: i32,                         // tokens first, .. of this dispatch; pos: of token 0
    alibi: u32,                                                // 0 none, 1 slopes, 2 as Falcon
    q_stride: u32, y_stride: u32,                              // q's in quads
    scale: f32, cap: f32,
    sets: u32, set_stride: u32, log_sum: u32,                  // of queries; in quads of q; 1: ln Σ e^score after all heads
}
@group(0) @binding(0) var<uniform> p: Attend;
@group(0) @binding(1) var<storage, read> q: array<vec4<f32>>;            // [sets][tokens][heads][Dp/4]
@group(0) @binding(2) var<storage, read> keys: array<Row>;               // [pages][kv_heads][rows][page]
@group(0) @binding(3) var<storage, read> values: array<Row>;             // [pages][kv_heads][page][rows]
@group(0) @binding(4) var<storage, read> table: array<u32>;              // the view
@group(0) @binding(5) var<storage, read> slopes: array<f32>;             // [heads]
@group(0) @binding(6) var<storage, read_write> y: array<f32>; // [tokens][heads][head_dim], or [tokens][heads][splits][Dp + 4]
var<workgroup> qs: array<vec4<f32>, QUERY>;                              // [Dp/4][HEADS]
var<workgroup> red: array<vec4<f32>, 128>;                               // [2][64]: heads 0 .. 3, heads 4 .. 7
var<workgroup> prob: array<vec4<f32>, 128>;                              // [2][64]
var<workgroup> place: array<u32, 64>;                                    // the keys' values, in rows; UNSEEN: unseen
var<workgroup> tile_set: u32;                                            // the set of queries that sees the tile's keys
const UNSEEN = 0xffffffffu;

// @section kv
alias Row = vec4<f32>; fn head_rows(quads: u32) -> u32 { return quads; }
fn key(at: u32, c: u32) -> vec4<f32> { return keys[at + c * p.page]; }
fn value(at: u32, c: u32) -> vec4<f32> { return values[at + c]; }
// @end
// @section score
fn score(s: vec4<f32>, slope: vec4<f32>, pos: i32, distance: i32, query: vec4<i32>) -> vec4<f32> { return s; }
// @end
// @section attention
struct Found { slot: u32, pos: i32, low: i32, high: i32, query: u32, distance: i32 }
fn find(n: u32, low: i32, high: i32) -> Found { return Found(n + table[0] + p.segments + p.page, 0, low, high, TILE, 0); }
fn columns(m: mat4x4<f32>, f: vec4<f32>) -> mat4x4<f32> { return m; }
fn outer(v: vec4<f32>, f: vec4<f32>) -> mat4x4<f32> { return mat4x4<f32>(v, v, v, v); }
fn base(slot: u32, kv_head: u32) -> u32 { return slot * kv_head * QUADS; }
fn put(token: u32, head: u32, quad: u32, split: u32, v: vec4<f32>, top: f32, sum: f32) { y[head] = v.x; }
// @end

// @section heads
fn key_quad(at: u32, c: u32) -> vec4<f32> { return key(at, min(c, QUADS)); }
fn products(c: u32, first: u32, k: vec4<f32>) -> vec4<f32> { return qs[c + first] * k; }
fn seen_value(j: u32, quad: u32) -> vec4<f32> { return value(place[j], quad); }
fn weighed(acc: mat4x4<f32>, v: vec4<f32>, first: u32, j: u32) -> mat4x4<f32> { return acc + outer(v, prob[first + j]); }
// @end
// @section trees
fn most(t: u32, base: u32, v: vec4<f32>) -> vec4<f32> { return red[base + t] + v; }
fn total(t: u32, v: vec4<f32>) -> vec4<f32> { return red[t] + v; }
// @end

fn slopes_of(h: u32) -> vec4<f32> { return vec4<f32>(slopes[h], slopes[h + 1u], slopes[h + 2u], slopes[h + 3u]); }
// finish adds up to four heads' results up over the workgroup and stores them, or their parts; count heads exist.
fn finish(t: u32, token: u32, head: u32, count: u32, split: u32, acc: mat4x4<f32>, top: vec4<f32>, sum: vec4<f32>) {
    let all = total(t, sum);
    var m = acc;
    for (var i = 0u; i < min(HEADS, 4u); i++) {
        red[t] = m[i];
        workgroupBarrier();
        if i < count && t < QUADS {
            var v = m[i];
            for (var r = 1u; r < ROWS; r++) { v += red[t + r * QUADS]; }
            put(token, head + i, t, split, v, top[i], all[i]);
        }
        workgroupBarrier();
    }
}

// load takes the heads' queries of a set into workgroup memory.
fn load(t: u32, query_set: u32, token: u32, head: u32, count: u32) {
    for (var i = t; i < QUERY; i += 64u) {
        let h = head + min(i % HEADS, count - 1u);
        qs[i] = q[query_set * p.set_stride + (p.first + token) * p.q_stride + h * QUADS + i / HEADS] * p.scale;
    }
    workgroupBarrier();
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let subs = (p.group + HEADS - 1u) / HEADS;         // workgroups that share a KV head
    let kv_head = wg.y / subs;
    let count = min(HEADS, p.group - wg.y % subs * HEADS);
    let head = kv_head * p.group + wg.y % subs * HEADS;
    let query = p.pos + i32(p.first + wg.z);
    var query_set = 0u;
    load(t, query_set, wg.z, head, count);
    let begin = select(64u, t / QUADS, t < ROWS * QUADS); // this thread adds quad t % QUADS of keys begin, begin + ROWS, ..
    var top0 = vec4<f32>(-1.0e30);
    var top1 = vec4<f32>(-1.0e30);
    var sum0 = vec4<f32>();                            // Σ p of this thread's keys
    var sum1 = vec4<f32>();
    var acc0 = mat4x4<f32>();                          // Σ p·v, a column a head
    var acc1 = mat4x4<f32>();
    for (var b = 0u; b < p.tiles; b++) {
        let found = find((wg.x * p.tiles + b) * 64u + t, query, query);
        let seen = found.low <= found.high;
        if p.sets > 1u {
            if t == 0u { tile_set = found.query; }
            let next = workgroupUniformLoad(&tile_set);
            if next != query_set { load(t, next, wg.z, head, count); }
            query_set = next;
        }
        var s0 = vec4<f32>();
        var s1 = vec4<f32>();
        if seen {
            let at = base(found.slot, kv_head) + found.slot % p.page;
            for (var c = 0u; c < QUADS; c += 4u) {     // four quads on their way at once
                let k0 = key(at, c);
                let k1 = key_quad(at, c + 1u);
                let k2 = key_quad(at, c + 2u);
                let k3 = key_quad(at, c + 3u);
                s0 += (products(c, 0u, k0) + products(c + 1u, 0u, k1)) + (products(c + 2u, 0u, k2) + products(c + 3u, 0u, k3));
                if HEADS == 8u {
                    s1 += (products(c, 4u, k0) + products(c + 1u, 4u, k1)) + (products(c + 2u, 4u, k2) + products(c + 3u, 4u, k3));
                }
            }
        }
        place[t] = select(UNSEEN, base(found.slot, kv_head) + found.slot % p.page * head_rows(QUADS), seen);
        s0 = select(vec4<f32>(-1.0e30), score(s0, slopes_of(head), found.pos, found.distance, vec4<i32>(query)), seen);
        s1 = select(vec4<f32>(-1.0e30), score(s1, slopes_of(head + 4u), found.pos, found.distance, vec4<i32>(query)), seen);
        let was0 = top0;
        let was1 = top1;
        top0 = max(top0, most(t, 0u, s0));
        if HEADS == 8u { top1 = max(top1, most(t, 64u, s1)); }
        prob[t] = select(vec4<f32>(), exp(s0 - top0), seen);
        prob[64u + t] = select(vec4<f32>(), exp(s1 - top1), seen);
        sum0 = sum0 * exp(was0 - top0) + prob[t];
        sum1 = sum1 * exp(was1 - top1) + prob[64u + t];
        workgroupBarrier();
        acc0 = columns(acc0, exp(was0 - top0));
        acc1 = columns(acc1, exp(was1 - top1));
        for (var j = begin; j < 64u; j += 4u * ROWS) { // four values on their way at once
            let v0 = seen_value(j, t % QUADS);
            let v1 = seen_value(j + ROWS, t % QUADS);
            let v2 = seen_value(j + 2u * ROWS, t % QUADS);
            let v3 = seen_value(j + 3u * ROWS, t % QUADS);
            acc0 = weighed(weighed(weighed(weighed(acc0, v0, 0u, j), v1, 0u, j + ROWS), v2, 0u, j + 2u * ROWS), v3, 0u, j + 3u * ROWS);
            if HEADS == 8u {
                acc1 = weighed(weighed(weighed(weighed(acc1, v0, 64u, j), v1, 64u, j + ROWS), v2, 64u, j + 2u * ROWS), v3, 64u, j + 3u * ROWS);
            }
        }
        workgroupBarrier();
    }
    finish(t, wg.z, head, count, wg.x, acc0, top0, sum0);
    if HEADS > 4u { finish(t, wg.z, head + 4u, max(count, 4u) - 4u, wg.x, acc1, top1, sum1); }
}

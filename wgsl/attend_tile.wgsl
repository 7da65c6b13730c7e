// attend_tile: softmax attention over a view in tiles of 32 query rows × 32 keys; one workgroup of 8 × 8 threads for a tile
// of rows (tokens × the query heads of one KV head), a KV head and a split of the keys. Twin: cpu.Attend.
// A thread has rows y, y + 8, .. (the components) and keys x, x + 8, .., then quads x of each slice of 32 channels.
// tune: QUADS = Dp/4 up to 64 (Dp: the head padded to quads), SLICES = QUADS/8 rounded up
const QUADS: u32 = 16u;
const SLICES: u32 = 2u;
const TILE: u32 = 32u;                                                   // not tunable
struct Attend {
    heads: u32, kv_heads: u32, group: u32,                     // group: query heads of a KV head
    head_dim: u32, page: u32, segments: u32, tiles: u32, splits: u32, // tiles: in a split
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
var<workgroup> qs: array<vec4<f32>, 288>;                                // [32 rows][8 quads + 1], a slice of 32 channels
var<workgroup> ks: array<vec4<f32>, 288>;                                // [32 keys][8 + 1], of keys, then of values
var<workgroup> ps: array<vec4<f32>, 256>;                                // [32 keys][8 y], a component a row
var<workgroup> red: array<vec4<f32>, 64>;                                // [8 x][8 y]
var<workgroup> found: array<vec4<i32>, 32>;                              // position, lowest and highest query, distance
var<workgroup> place: array<vec2<u32>, 32>;                              // the key's first row, and its value's
var<workgroup> rows: array<u32, 32>;                                     // the rows' first quads in q
var<workgroup> query_set: u32;                                                 // the first quad of the tile's set of queries

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

// masked is the scores of key k, very low where its query does not see it.
fn masked(s: vec4<f32>, k: u32, slope: vec4<f32>, query: vec4<i32>) -> vec4<f32> {
    let f = found[k];
    let v = select(vec4<f32>(-1.0e30), score(s, slope, f.x, f.w, query), query >= vec4<i32>(f.y));
    return select(vec4<f32>(-1.0e30), v, query <= vec4<i32>(f.z));
}

// weights is exp(s − top), zero where masked, kept for key k.
fn weights(s: vec4<f32>, top: vec4<f32>, k: u32, y: u32) -> vec4<f32> {
    let e = select(vec4<f32>(), exp(s - top), s > vec4<f32>(-1.0e29));
    ps[k * 8u + y] = e;
    return e;
}

// slice is acc scaled by fade, plus Σ p·v for slice c of the values: a column a row.
fn slice(acc: mat4x4<f32>, c: u32, l: vec2<u32>, live: bool, fade: vec4<f32>) -> mat4x4<f32> {
    let quad = c * 8u + l.x;
    for (var i = l.y; i < 32u; i += 8u) {
        if live && quad < QUADS {                      // what no query sees may hold anything
            ks[i * 9u + l.x] = select(vec4<f32>(), value(place[i].y, quad), found[i].y <= found[i].z);
        }
    }
    workgroupBarrier();
    var a = columns(acc, fade);
    for (var k = 0u; k < select(0u, 32u, live); k += 4u) {
        let at = k * 9u + l.x;
        a += outer(ks[at], ps[k * 8u + l.y]);
        a += outer(ks[at + 9u], ps[k * 8u + 8u + l.y]);
        a += outer(ks[at + 18u], ps[k * 8u + 16u + l.y]);
        a += outer(ks[at + 27u], ps[k * 8u + 24u + l.y]);
    }
    workgroupBarrier();
    return a;
}

// store writes a quad of four rows' results.
fn store(acc: mat4x4<f32>, quad: u32, first_row: u32, kv_head: u32, split: u32, top: vec4<f32>, sum: vec4<f32>) {
    var m = acc;
    for (var i = 0u; i < 4u; i++) {
        let row = first_row + i * 8u;
        let head = kv_head * p.group + row % p.group;
        if row < p.tokens * p.group && quad < QUADS { put(row / p.group, head, quad, split, m[i], top[i], sum[i]); }
    }
}

@compute @workgroup_size(8, 8)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_id) id: vec3<u32>) {
    let l = id.xy;
    let t = l.y * 8u + l.x;
    let last = p.tokens * p.group - 1u;
    let row = wg.x * 32u + l.y;
    let mine = min(vec4<u32>(row, row + 8u, row + 16u, row + 24u), vec4<u32>(last));
    let token0 = p.pos + i32(p.first);
    let query = vec4<i32>(mine / vec4<u32>(p.group)) + vec4<i32>(token0);
    let low = token0 + i32(wg.x * 32u / p.group);
    let high = token0 + i32(min(wg.x * 32u + 31u, last) / p.group);
    let head = mine % vec4<u32>(p.group) + vec4<u32>(wg.y * p.group);
    let slope = vec4<f32>(slopes[head.x], slopes[head.y], slopes[head.z], slopes[head.w]);
    var top = vec4<f32>(-1.0e30);
    var sum = vec4<f32>();                             // Σ p of this thread's keys
    var acc: array<mat4x4<f32>, SLICES>;               // Σ p·v of a slice, a column a row
    let r = min(wg.x * 32u + t, last);
    if t < 32u { rows[t] = (p.first + r / p.group) * p.q_stride + (wg.y * p.group + r % p.group) * QUADS; }
    for (var b = 0u; b < p.tiles; b++) {
        if t < 32u {
            let f = find((wg.z * p.tiles + b) * 32u + t, low, high);
            found[t] = vec4<i32>(f.pos, f.low, f.high, f.distance);
            if t == 0u { query_set = f.query * p.set_stride; }
            place[t] = vec2<u32>(f.slot % p.page) * vec2<u32>(1u, head_rows(QUADS)) + base(f.slot, wg.y);
        }
        workgroupBarrier();
        let live = found[0].y <= found[0].z;           // false past the last key that this tile's rows may see
        var s = mat4x4<f32>();                         // q·k, a column a key
        for (var c = 0u; c < SLICES; c++) {
            for (var i = t; i < 256u; i += 64u) {      // a key a thread, then a row for eight
                let k = c * 8u + i / 32u;
                let j = c * 8u + i % 8u;
                var kq = vec4<f32>();
                var qq = vec4<f32>();
                if live && k < QUADS { kq = key(place[i % 32u].x, k); }
                if live && j < QUADS { qq = q[query_set + rows[i / 8u] + j] * p.scale; }
                ks[i % 32u * 9u + i / 32u] = kq;
                qs[i / 8u * 9u + i % 8u] = qq;
            }
            workgroupBarrier();
            for (var i = 0u; i < select(0u, 8u, live); i++) {
                let r = l.y * 9u + i;
                let k = l.x * 9u + i;
                let rows4 = mat4x4<f32>(qs[r], qs[r + 72u], qs[r + 144u], qs[r + 216u]);
                s += transpose(rows4) * mat4x4<f32>(ks[k], ks[k + 72u], ks[k + 144u], ks[k + 216u]);
            }
            workgroupBarrier();
        }
        let s0 = masked(s[0], l.x, slope, query);
        let s1 = masked(s[1], l.x + 8u, slope, query);
        let s2 = masked(s[2], l.x + 16u, slope, query);
        let s3 = masked(s[3], l.x + 24u, slope, query);
        red[l.x * 8u + l.y] = max(max(s0, s1), max(s2, s3));
        workgroupBarrier();
        let was = top;
        for (var x = 0u; x < 8u; x++) { top = max(top, red[x * 8u + l.y]); }
        let fade = exp(was - top);
        sum = sum * fade + ((weights(s0, top, l.x, l.y) + weights(s1, top, l.x + 8u, l.y))
            + (weights(s2, top, l.x + 16u, l.y) + weights(s3, top, l.x + 24u, l.y)));
        for (var c = 0u; c < SLICES; c++) { acc[c] = slice(acc[c], c, l, live, fade); }
    }
    red[l.x * 8u + l.y] = sum;
    workgroupBarrier();
    for (var x = 1u; x < 8u; x++) { sum += red[(x ^ l.x) * 8u + l.y]; }
    for (var c = 0u; c < SLICES; c++) { store(acc[c], c * 8u + l.x, row, wg.y, wg.z, top, sum); }
}

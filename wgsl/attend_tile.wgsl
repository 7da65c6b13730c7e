// attend_tile: softmax attention over a view in tiles of 32 query rows × 64 keys; one workgroup of 8 × 8 threads for a tile
// of rows (tokens × the query heads of one KV head), a KV head and a split of the keys. Twin: cpu.Attend.
// A thread has rows 4y .. 4y + 3 (the components) and keys x, x + 8, .., then quads x, x + 8, .. of the values.
// tune: QUADS = Dp/4 up to 64 (Dp: the head padded to quads), STEPS = QUADS/4 and SLICES = QUADS/8 rounded up, KEYS 8 or 4,
// ROOM = KEYS·QUADS: the quads of so many values are brought at a time, at most 256
const QUADS: u32 = 16u;
const STEPS: u32 = 4u;
const SLICES: u32 = 2u;
const ROOM: u32 = 128u;
const KEYS: u32 = 8u;
const TILE: u32 = 64u;                                                   // not tunable
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
// What goes through workgroup memory: four quads of channels of keys, [16 channels][16], a vector a key of four, and of
// queries, [16][8 y]; later in their place the weights, [64 keys][8 y + 1], a component a row.
var<workgroup> room: array<vec4<f32>, 576>;
var<workgroup> vs: array<vec4<f32>, ROOM>;                               // [keys][QUADS], some keys' values
var<workgroup> red: array<vec4<f32>, 64>;                                // [8 x][8 y]
var<workgroup> found: array<vec4<i32>, 64>;                              // position, lowest and highest query, distance
var<workgroup> place: array<vec2<u32>, 64>;                              // the key's first row, and its value's
var<workgroup> rows: array<u32, 32>;                                     // the rows' first quads in q
var<workgroup> query_set: u32;                                           // the first quad of the tile's set of queries
var<workgroup> live: u32;                                                // 0 past the last key that this tile's rows may see

// @section kv
alias Row = vec4<f32>; fn head_rows(quads: u32) -> u32 { return quads; }
fn key(at: u32, c: u32) -> vec4<f32> { return keys[at + c * p.page]; }
fn value(at: u32, c: u32) -> vec4<f32> { return values[at + c]; }
// @end
// @section score
fn score(s: vec4<f32>, slope: vec4<f32>, pos: i32, distance: i32, query: vec4<i32>) -> vec4<f32> { return s; }
// @end
// @section attention
const NOWHERE: i32 = 1073741824;
struct Found { slot: u32, pos: i32, low: i32, high: i32, query: u32, distance: i32 }
fn find(n: u32, low: i32, high: i32) -> Found { return Found(n + table[0] + p.segments + p.page, 0, low, high, TILE, 0); }
fn columns(m: mat4x4<f32>, f: vec4<f32>) -> mat4x4<f32> { return m; }
fn base(slot: u32, kv_head: u32) -> u32 { return slot * kv_head * QUADS; }
fn put(token: u32, head: u32, quad: u32, split: u32, v: vec4<f32>, top: f32, sum: f32) { y[head] = v.x; }
// @end
// @section add
fn add(m: mat4x4<f32>, a: vec4<f32>, b: vec4<f32>) -> mat4x4<f32> { return m; }
// @end
// @section pieces
fn note(t: u32, f: Found, kv_head: u32) { live = base(f.slot, kv_head) + u32(NOWHERE); }
fn masked(s: vec4<f32>, k: u32, slope: vec4<f32>, query: vec4<i32>) -> vec4<f32> { return score(s, slope, found[k].x, 0, query); }
fn weights(s: vec4<f32>, top: vec4<f32>, k: u32, y: u32) -> vec4<f32> { return room[k + y] + exp(s - top); }
fn keys_quad(first: u32, c: u32) -> mat4x4<f32> { return mat4x4<f32>(key(first, c), key(1u, c), key(2u, c), key(3u, c)); }
fn rows_quad(i: u32, c: u32) -> mat4x4<f32> { return mat4x4<f32>(q[rows[i]], q[c], q[query_set], q[0]); }
fn seen_value(k: u32, quad: u32) -> vec4<f32> { return value(place[k].y, quad); }
fn store(acc: mat4x4<f32>, quad: u32, first_row: u32, kv_head: u32, split: u32, top: vec4<f32>, sum: vec4<f32>) { put(0u, 0u, quad, split, acc[0], top.x, sum.x); }
// @end

@compute @workgroup_size(8, 8)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(num_workgroups) all: vec3<u32>, @builtin(local_invocation_id) id: vec3<u32>) {
    let x = id.x;
    let y = id.y;
    let t = y * 8u + x;
    let first_row = (all.x - 1u - wg.x) * 32u;         // those that see most keys come first
    let last = p.tokens * p.group - 1u;
    let mine = min(vec4<u32>(first_row + 4u * y) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(last));
    let token0 = p.pos + i32(p.first);
    let query = vec4<i32>(mine / vec4<u32>(p.group)) + vec4<i32>(token0);
    let low = token0 + i32(first_row / p.group);
    let high = token0 + i32(min(first_row + 31u, last) / p.group);
    let head = mine % vec4<u32>(p.group) + vec4<u32>(wg.y * p.group);
    let slope = vec4<f32>(slopes[head.x], slopes[head.y], slopes[head.z], slopes[head.w]);
    var top = vec4<f32>(-1.0e30);
    var sum = vec4<f32>();                             // Σ p of this thread's keys
    var acc: array<mat4x4<f32>, SLICES>;               // Σ p·v of a quad, a column a row
    var v: array<vec4<f32>, SLICES>;
    let first_key = t % 8u + t % 16u / 8u * 32u;       // of the four that this thread brings
    let r = min(first_row + t, last);
    if t < 32u { rows[t] = (p.first + r / p.group) * p.q_stride + (wg.y * p.group + r % p.group) * QUADS; }
    var f = find(wg.z * p.tiles * 64u + t, low, high);
    for (var b = 0u; b < p.tiles; b++) {
        note(t, f, wg.y);
        if workgroupUniformLoad(&live) == 0u { break; }
        f = find((wg.z * p.tiles + b + 1u) * 64u + t, low, high); // on its way while this tile is computed
        var s0 = mat4x4<f32>();                        // q·k, a column a key: x, x + 8, ..
        var s1 = mat4x4<f32>();                        // x + 32, x + 40, ..
        var kq = keys_quad(first_key, t / 16u);
        var qq = mat4x4<f32>();
        if t < 32u { qq = rows_quad(x, y); }
        for (var c = 0u; c < STEPS; c++) {
            for (var i = 0u; i < 4u; i++) { // @unroll
                room[(t / 16u * 4u + i) * 16u + t % 16u] = kq[i];
                if t < 32u { room[256u + (y * 4u + i) * 8u + x] = qq[i]; }
            } // @end
            workgroupBarrier();
            if c + 1u < STEPS {
                kq = keys_quad(first_key, c * 4u + 4u + t / 16u);
                if t < 32u { qq = rows_quad(x, c * 4u + 4u + y); }
            }
            for (var i = 0u; i < 16u; i++) { // @unroll
                let a = room[256u + i * 8u + y];
                s0 = add(s0, room[i * 16u + x], a);
                s1 = add(s1, room[i * 16u + 8u + x], a);
            } // @end
            workgroupBarrier();
        }
        for (var i = 0u; i < SLICES; i++) { // @unroll
            v[i] = seen_value(min(y, KEYS - 1u), i * 8u + x);
        } // @end
        var most = vec4<f32>(-1.0e30);
        for (var i = 0u; i < 4u; i++) { // @unroll
            s0[i] = masked(s0[i], x + 8u * i, slope, query);
            s1[i] = masked(s1[i], x + 8u * i + 32u, slope, query);
            most = max(most, max(s0[i], s1[i]));
        } // @end
        red[x * 8u + y] = most;
        workgroupBarrier();
        let was = top;
        for (var i = 0u; i < 8u; i++) { top = max(top, red[i * 8u + y]); }
        let fade = exp(was - top);
        sum *= fade;
        for (var i = 0u; i < 4u; i++) { // @unroll
            sum += weights(s0[i], top, x + 8u * i, y) + weights(s1[i], top, x + 8u * i + 32u, y);
        } // @end
        for (var i = 0u; i < SLICES; i++) { // @unroll
            acc[i] = columns(acc[i], fade);
        } // @end
        for (var k = 0u; k < 64u; k += KEYS) {
            for (var i = 0u; i < SLICES; i++) { // @unroll
                if y < KEYS && i * 8u + x < QUADS { vs[y * QUADS + i * 8u + x] = v[i]; }
            } // @end
            workgroupBarrier();
            for (var i = 0u; i < SLICES; i++) { // @unroll
                v[i] = seen_value(min(k + KEYS + min(y, KEYS - 1u), 63u), i * 8u + x);
            } // @end
            for (var j = 0u; j < KEYS; j++) { // @unroll
                let a = room[(k + j) * 9u + y];
                for (var i = 0u; i < SLICES; i++) { // @unroll
                    acc[i] = add(acc[i], a, vs[j * QUADS + min(i * 8u + x, QUADS - 1u)]);
                } // @end
            } // @end
            workgroupBarrier();
        }
    }
    red[x * 8u + y] = sum;
    workgroupBarrier();
    for (var i = 1u; i < 8u; i++) { sum += red[(i ^ x) * 8u + y]; }
    for (var i = 0u; i < SLICES; i++) { // @unroll
        store(acc[i], i * 8u + x, first_row + 4u * y, wg.y, wg.z, top, sum);
    } // @end
}

// mass: how much attention the keys of a view's segment receive: Σ e^(score − ln Σ e^score) over the queries that see a key;
// one workgroup for 64 keys and a query head. Twin: cpu.Mass.
// tune: QUADS = Dp/4 up to 64 (Dp: the head padded to quads), QUERY = 4·QUADS
const QUADS: u32 = 16u;
const QUERY: u32 = 64u;
struct Mass {
    kv_heads: u32,
    group: u32,       // query heads of a KV head
    page: u32,
    segment: u32,
    tokens: u32,
    pos: i32,         // of token 0
    alibi: u32,       // 0 none, 1 slopes, 2 as Falcon
    q_stride: u32,    // in quads
    y_stride: u32,
    sums: u32,        // where in a row of attended the heads' ln Σ e^score begin
    ring: u32,        // columns of mass
    mass_stride: u32,
    scale: f32,
    cap: f32,
}
@group(0) @binding(0) var<uniform> p: Mass;
@group(0) @binding(1) var<storage, read> q: array<vec4<f32>>;            // [tokens][heads][Dp/4]
@group(0) @binding(2) var<storage, read> keys: array<Row>;               // [pages][kv_heads][rows][page]
@group(0) @binding(3) var<storage, read> values: array<Row>;             // [pages][kv_heads][page][rows]
@group(0) @binding(4) var<storage, read> table: array<u32>;              // the view
@group(0) @binding(5) var<storage, read> slopes: array<f32>;             // [heads]
@group(0) @binding(6) var<storage, read> attended: array<f32>;           // [tokens][.. , heads]
@group(0) @binding(7) var<storage, read> missed: array<u32>;             // [1]: not 0 means that nothing is to be done
@group(0) @binding(8) var<storage, read_write> mass: array<f32>;         // [heads][ring]
var<workgroup> qs: array<vec4<f32>, QUERY>;                              // [4 tokens][Dp/4]

// @section kv
alias Row = vec4<f32>; fn head_rows(quads: u32) -> u32 { return quads; }
fn key(at: u32, c: u32) -> vec4<f32> { return keys[at + c * p.page]; }
fn value(at: u32, c: u32) -> vec4<f32> { return values[at + c]; }
// @end
// @section score
fn score(s: vec4<f32>, slope: vec4<f32>, pos: i32, distance: i32, query: vec4<i32>) -> vec4<f32> { return s; }
// @end

// sums are those of four tokens, of which the last one stands for those that are not there.
fn sums(n: u32, head: u32) -> vec4<f32> {
    let rows = min(vec4<u32>(n, n + 1u, n + 2u, n + 3u), vec4<u32>(p.tokens - 1u)) * p.y_stride + vec4<u32>(p.sums + head);
    return vec4<f32>(attended[rows.x], attended[rows.y], attended[rows.z], attended[rows.w]);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let off = missed[0] != 0u;
    let head = wg.y;
    let at = p.segment * 8u;
    let count = table[at + 2u];
    let i = wg.x * 64u + t;
    let place = table[at + 1u] + min(i, count - 1u);
    let slot = table[table[at] + place / p.page] * p.page + place % p.page;
    let base = (slot / p.page * p.kv_heads + head / p.group) * head_rows(QUADS) * p.page + slot % p.page;
    let pos = bitcast<i32>(table[at + 3u]) + i32(i);
    let window = bitcast<i32>(table[at + 5u]);
    let low = vec4<i32>(pos + bitcast<i32>(table[at + 4u]));
    let high = vec4<i32>(min(p.pos + i32(p.tokens) - 1, select(1073741824, pos + window - 1, window > 0)));
    var sum = vec4<f32>();
    for (var n = 0u; n < p.tokens; n += 4u) {
        for (var c = t; c < QUERY; c += 64u) {
            qs[c] = q[min(n + c / QUADS, p.tokens - 1u) * p.q_stride + head * QUADS + c % QUADS] * p.scale;
        }
        workgroupBarrier();
        var s = vec4<f32>();
        for (var c = 0u; c < QUADS; c++) {
            let k = key(base, c);
            s += vec4<f32>(dot(qs[c], k), dot(qs[QUADS + c], k), dot(qs[2u * QUADS + c], k), dot(qs[3u * QUADS + c], k));
        }
        let query = vec4<i32>(p.pos + i32(n)) + vec4<i32>(0, 1, 2, 3);
        let e = exp(score(s, vec4<f32>(slopes[head]), pos, 0, query) - sums(n, head));
        sum += select(vec4<f32>(), select(vec4<f32>(), e, query <= high), query >= low);
        workgroupBarrier();
    }
    if i < count && !off {
        let to = head * p.mass_stride + u32(pos) % p.ring;
        mass[to] = (sum.x + sum.y) + (sum.z + sum.w) + select(mass[to], 0.0, pos >= p.pos);
    }
}

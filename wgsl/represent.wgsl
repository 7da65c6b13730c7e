// represent: the representative keys of blocks, in f16: the mean of the keys with the largest mass; one workgroup a block and
// query head. Twin: cpu.Represent.
struct Represent {
    kv_heads: u32,
    group: u32,         // query heads of a KV head
    quads: u32,         // of a padded head
    page: u32,          // tokens of a block
    reps_page: u32,
    top_k: u32,
    ring: u32,          // columns of mass
    mass_stride: u32,
    blocks_stride: u32,
}
@group(0) @binding(0) var<uniform> p: Represent;
@group(0) @binding(1) var<storage, read> blocks: array<u32>;             // [slots in reps, pages, first positions][blocks]
@group(0) @binding(2) var<storage, read> mass: array<f32>;               // [heads][ring]
@group(0) @binding(3) var<storage, read> keys: array<Row>;               // [pages][kv_heads][rows][page]
@group(0) @binding(4) var<storage, read> values: array<Row>;             // [pages][kv_heads][page][rows]
@group(0) @binding(5) var<storage, read_write> reps: array<vec2<u32>>;   // [pages][heads][Dp/4][reps_page] quads
var<workgroup> best: array<f32, 64>;
var<workgroup> at: array<u32, 64>;

// @section kv
alias Row = vec4<f32>; fn head_rows(quads: u32) -> u32 { return quads; }
fn key(at: u32, c: u32) -> vec4<f32> { return keys[at + c * p.page]; }
fn value(at: u32, c: u32) -> vec4<f32> { return values[at + c]; }
// @end

// before reports whether token i with mass m comes before token j with mass n.
fn before(m: f32, i: u32, n: f32, j: u32) -> bool { return m > n || (m == n && i < j); }

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let head = wg.y;
    let to = blocks[wg.x];
    let first = blocks[2u * p.blocks_stride + wg.x];
    let base = (blocks[p.blocks_stride + wg.x] * p.kv_heads + head / p.group) * head_rows(p.quads) * p.page;
    let count = min(p.top_k, p.page);
    var sum = vec4<f32>();
    var last = 3.0e38;                                     // the mass of the last one chosen, and which it was
    var chosen = 0u;
    for (var n = 0u; n < count; n++) {
        var most = -3.0e38;
        var place = p.page;
        for (var i = t; i < p.page; i += 64u) {
            let m = mass[head * p.mass_stride + (first + i) % p.ring];
            if before(m, i, most, place) && (n == 0u || before(last, chosen, m, i)) {
                most = m;
                place = i;
            }
        }
        best[t] = most;
        at[t] = place;
        workgroupBarrier();
        for (var s = 32u; s > 0u; s >>= 1u) {
            if t < s && before(best[t + s], at[t + s], best[t], at[t]) {
                best[t] = best[t + s];
                at[t] = at[t + s];
            }
            workgroupBarrier();
        }
        last = best[0];
        chosen = min(at[0], p.page - 1u);
        workgroupBarrier();
        if t < p.quads { sum += key(base + chosen, t); }
    }
    if t < p.quads {
        let mean = sum / f32(count);
        let row = (to / p.reps_page * p.kv_heads * p.group + head) * p.quads + t;
        reps[row * p.reps_page + to % p.reps_page] = vec2<u32>(pack2x16float(mean.xy), pack2x16float(mean.zw));
    }
}

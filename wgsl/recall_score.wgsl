// recall_score: how much a view's keys matter to one query: the largest q·k over the query heads of each KV head; one
// workgroup for 64 keys and a KV head. Twin: cpu.Recall, with recall_pick.
struct Recall {
    kv_heads: u32,
    group: u32,       // query heads of a KV head
    quads: u32,       // of a padded head
    page: u32,
    count: u32,       // of keys
    picks: u32,       // recall_pick's
    first: u32,       // recall_pick's
}
@group(0) @binding(0) var<uniform> p: Recall;
@group(0) @binding(1) var<storage, read> q: array<vec4<f32>>;            // [heads][Dp/4]
@group(0) @binding(2) var<storage, read> keys: array<Row>;               // [pages][kv_heads][rows][page]
@group(0) @binding(3) var<storage, read> values: array<Row>;             // [pages][kv_heads][page][rows]
@group(0) @binding(4) var<storage, read> table: array<u32>;              // the view: page list, first slot, ..
@group(0) @binding(5) var<storage, read_write> scores: array<f32>;       // [kv_heads][count]

// @section kv
alias Row = vec4<f32>; fn head_rows(quads: u32) -> u32 { return quads; }
fn key(at: u32, c: u32) -> vec4<f32> { return keys[at + c * p.page]; }
fn value(at: u32, c: u32) -> vec4<f32> { return values[at + c]; }
// @end

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let i = (wg.x + wg.z * 65535u) * 64u + t;
    if i >= p.count { return; }
    let place = table[1] + i;
    let base = (table[table[0] + place / p.page] * p.kv_heads + wg.y) * head_rows(p.quads) * p.page + place % p.page;
    var most = -1.0e30;
    for (var h = wg.y * p.group; h < (wg.y + 1u) * p.group; h++) {
        var s = 0.0;
        for (var c = 0u; c < p.quads; c++) { s += dot(q[h * p.quads + c], key(base, c)); }
        most = max(most, s);
    }
    scores[wg.y * p.count + i] = most;
}

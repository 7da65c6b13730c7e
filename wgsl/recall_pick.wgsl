// recall_pick: the keys with the largest scores, one after another, copied to slots of their own with their values; one
// workgroup a KV head. Twin: cpu.Recall, with recall_score.
struct Recall {
    kv_heads: u32,
    group: u32,       // recall_score's
    quads: u32,       // of a padded head
    page: u32,
    count: u32,       // of keys
    picks: u32,
    first: u32,       // the number of the first pick
}
@group(0) @binding(0) var<uniform> p: Recall;
@group(0) @binding(1) var<storage, read> table: array<u32>;              // the view: page list, first slot, ..
@group(0) @binding(2) var<storage, read> targets: array<u32>;            // [all picks] slots
@group(0) @binding(3) var<storage, read_write> scores: array<f32>;       // [kv_heads][count]; the picked ones are lost
@group(0) @binding(4) var<storage, read_write> keys: array<Row>;         // [pages][kv_heads][rows][page]
@group(0) @binding(5) var<storage, read_write> values: array<Row>;       // [pages][kv_heads][page][rows]
var<workgroup> best: array<f32, 64>;
var<workgroup> at: array<u32, 64>;

// @section kv
alias Row = vec4<f32>; fn head_rows(quads: u32) -> u32 { return quads; }
fn key(at: u32, c: u32) -> vec4<f32> { return keys[at + c * p.page]; }
fn value(at: u32, c: u32) -> vec4<f32> { return values[at + c]; }
// @end

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let row = wg.x * p.count;
    for (var n = 0u; n < p.picks; n++) {
        best[t] = -3.0e38;
        at[t] = 0u;
        for (var i = t; i < p.count; i += 64u) {
            if scores[row + i] > best[t] {
                best[t] = scores[row + i];
                at[t] = i;
            }
        }
        workgroupBarrier();
        for (var s = 32u; s > 0u; s >>= 1u) {
            if t < s && (best[t + s] > best[t] || (best[t + s] == best[t] && at[t + s] < at[t])) {
                best[t] = best[t + s];
                at[t] = at[t + s];
            }
            workgroupBarrier();
        }
        let place = table[1] + at[0];
        let source = table[table[0] + place / p.page] * p.page + place % p.page;
        let to = targets[p.first + n];
        let head = head_rows(p.quads);
        let base = (source / p.page * p.kv_heads + wg.x) * head * p.page;
        let to_base = (to / p.page * p.kv_heads + wg.x) * head * p.page;
        for (var r = t; r < head; r += 64u) {
            keys[to_base + r * p.page + to % p.page] = keys[base + r * p.page + source % p.page];
            values[to_base + to % p.page * head + r] = values[base + source % p.page * head + r];
        }
        if t == 0u { scores[row + at[0]] = -3.0e38; }
        storageBarrier();
        workgroupBarrier();
    }
}

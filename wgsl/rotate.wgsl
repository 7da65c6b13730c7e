// rotate: cached keys turned anew and stored in the same slots or in others, the values with them; one workgroup a head and
// slot. Twin: cpu.Rotate.
// The rotation of a pair (a, b): (a·cos − b·sin, b·cos + a·sin). Dp is head_dim padded to quads.
struct Rotate {
    kv_heads: u32,
    head_dim: u32,
    page: u32,
    rotary: u32,
    interleaved: u32,
    count: u32,       // of slots
    rope_stride: u32,
}
@group(0) @binding(0) var<uniform> p: Rotate;
@group(0) @binding(1) var<storage, read> sources: array<u32>;            // [count]
@group(0) @binding(2) var<storage, read> targets: array<u32>;            // [count]
@group(0) @binding(3) var<storage, read> rope: array<f32>;               // [count][rotary/2 cosines, rotary/2 sines]
@group(0) @binding(4) var<storage, read_write> keys: array<Row>;         // [pages][kv_heads][rows][page]
@group(0) @binding(5) var<storage, read_write> values: array<Row>;       // [pages][kv_heads][page][rows]
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
// @section turned
fn quad(row: u32, d: u32, rotary: u32) -> vec4<f32> { return vec4<f32>(head[d] + rope[row + rotary]); }
// @end

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let i = wg.y + wg.z * 65535u;
    if i >= p.count { return; }
    let quads = (p.head_dim + 3u) / 4u;
    let source = sources[i];
    let to = targets[i];
    let count = head_rows(quads);
    let base = (source / p.page * p.kv_heads + wg.x) * count * p.page; // the head's part of the page, in rows
    let to_base = (to / p.page * p.kv_heads + wg.x) * count * p.page;
    let d = t * 4u;                                    // a thread has one quad
    if t < quads {
        let k = key(base + source % p.page, t);
        for (var j = 0u; j < 4u; j++) { head[d + j] = k[j]; }
    }
    workgroupBarrier();
    let v = quad(i, d, p.rotary);
    let most = largest(t, v);
    if t < quads { store_key(to_base + to % p.page, t, v, most); }
    for (var r = t; r < count && source != to; r += 64u) {
        values[to_base + to % p.page * count + r] = values[base + source % p.page * count + r];
    }
}

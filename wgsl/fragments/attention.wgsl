// A view's keys that queries at positions low .. high may see, numbered from 0 through all segments: a thread looks
// numbers up in rising order. The table: eight words a segment (page list, first slot, count, position, least distance,
// window, set of queries, distance for ALiBi), then the page lists. Where the set of queries changes, numbers go on at the
// next multiple of TILE, so that a tile has one.
struct Found {
    slot: u32, pos: i32,        // a cached key
    low: i32, high: i32,        // the positions of the queries that see it
    query: u32, distance: i32,  // the set of queries; for ALiBi, where above 0
}
const NOWHERE: i32 = 1073741824;                           // the lowest query that sees a key which there is not
var<private> segment: u32 = 0xffffffffu;                   // the one that the last number lay in; none so far
var<private> run_start: u32 = 0u;                          // the number of its first key
var<private> run: u32 = 0u;                                // how many of its keys are seen
var<private> hidden: u32 = 0u;                             // how many before those are not

fn open_segment(low: i32, high: i32) {
    let at = segment * 8u;
    if segment > 0u && table[at + 6u] != table[at - 2u] { run_start = (run_start + TILE - 1u) / TILE * TILE; }
    let pos = bitcast<i32>(table[at + 3u]);
    let window = bitcast<i32>(table[at + 5u]);
    let count = bitcast<i32>(table[at + 2u]);
    let end = min(count, high - pos + 1 - bitcast<i32>(table[at + 4u]));
    let begin = select(0, max(0, low - window + 1 - pos), window > 0);
    hidden = u32(begin);
    run = u32(max(0, end - begin));
}

// find looks key number n up; between sets and past the last is a key that no query sees.
fn find(n: u32, low: i32, high: i32) -> Found {
    while segment == 0xffffffffu || (segment < p.segments && n >= run_start + run) {
        run_start += run;
        segment += 1u;
        run = 0u;
        if segment < p.segments { open_segment(low, high); }
    }
    if segment >= p.segments || n < run_start { return Found(0u, 0, NOWHERE, -NOWHERE, 0u, 0); }
    let at = segment * 8u;
    let i = hidden + n - run_start;
    let place = table[at + 1u] + i;
    let slot = table[table[at] + place / p.page] * p.page + place % p.page;
    let pos = bitcast<i32>(table[at + 3u]) + i32(i);
    let window = bitcast<i32>(table[at + 5u]);
    let low_q = pos + bitcast<i32>(table[at + 4u]);
    let high_q = select(NOWHERE, pos + window - 1, window > 0);
    return Found(slot, pos, low_q, high_q, table[at + 6u], bitcast<i32>(table[at + 7u]));
}

// columns is m with its columns scaled; outer is the matrix of columns v·f.
fn columns(m: mat4x4<f32>, f: vec4<f32>) -> mat4x4<f32> {
    return mat4x4<f32>(m[0] * f.x, m[1] * f.y, m[2] * f.z, m[3] * f.w);
}
fn outer(v: vec4<f32>, f: vec4<f32>) -> mat4x4<f32> { return mat4x4<f32>(v * f.x, v * f.y, v * f.z, v * f.w); }

// base is the first row of a KV head's part of the page that holds a slot.
fn base(slot: u32, kv_head: u32) -> u32 { return (slot / p.page * p.kv_heads + kv_head) * head_rows(QUADS) * p.page; }

// put stores a quad of a head's result, and where asked for ln Σ e^score after all heads; or with several splits of its part:
// Σ p·v, the largest score, Σ p.
fn put(token: u32, head: u32, quad: u32, split: u32, v: vec4<f32>, top: f32, sum: f32) {
    if p.splits == 1u {
        if quad == 0u && p.log_sum == 1u {
            y[(token + p.first) * p.y_stride + p.heads * p.head_dim + head] = select(-1.0e30, top + log(sum), sum > 0.0);
        }
        let r = v * select(0.0, 1.0 / sum, sum > 0.0);
        let at = (token + p.first) * p.y_stride + head * p.head_dim;
        for (var i = quad * 4u; i < min(quad * 4u + 4u, p.head_dim); i++) { y[at + i] = r[i % 4u]; }
        return;
    }
    let at = ((token * p.heads + head) * p.splits + split) * (QUADS * 4u + 4u);
    for (var i = 0u; i < 4u; i++) { y[at + quad * 4u + i] = v[i]; }
    if quad == 0u {
        y[at + QUADS * 4u] = top;
        y[at + QUADS * 4u + 1u] = sum;
    }
}

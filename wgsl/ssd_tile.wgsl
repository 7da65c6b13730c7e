// ssd_tile: S ← e^(Δ·A + retain)·S + insert·Δ·x ⊗ B, y = S·C + D·x, in tiles of 32 tokens as products of matrices (arXiv
// 2405.21060, section 6): one workgroup for 4·QUADS channels of a head, whose state stays in its memory. Twin: cpu.SSD.
// The sums of exponents run within a tile, from the later token back, and are at most 0.
// tune: QUADS 4 for up to 128 states and 2 for up to 256; ROOM N·QUADS, INPUTS 32·QUADS
const QUADS: u32 = 4u;
const ROOM: u32 = 512u;
const INPUTS: u32 = 128u;
struct SSD {
    tokens: u32,
    heads: u32,
    groups: u32,
    width: u32,      // channels of a head, in quads
    states: u32,     // N in quads
    x_stride: u32,   // in quads, as all the next
    b_first: u32,    // the column of x for B
    c_first: u32,
    s_stride: u32,
    y_stride: u32,
    has: u32,        // bit 0 D
    retain: f32,
    insert: f32,
}
@group(0) @binding(0) var<uniform> p: SSD;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;            // [tokens][x_stride]
@group(0) @binding(2) var<storage, read> work: array<vec4<f32>>;         // as ssd_score leaves it
@group(0) @binding(3) var<storage, read> rate: array<f32>;               // [heads]: A
@group(0) @binding(4) var<storage, read> skip: array<f32>;               // [heads]: D
@group(0) @binding(5) var<storage, read> before: array<vec4<f32>>;       // [heads][channels][s_stride]
@group(0) @binding(6) var<storage, read_write> after: array<vec4<f32>>;  // [heads][channels][s_stride]
@group(0) @binding(7) var<storage, read_write> y: array<vec4<f32>>;      // [tokens][y_stride]
var<workgroup> hs: array<vec4<f32>, ROOM>;                               // [N][QUADS]: the state, channels in a quad
var<workgroup> xs: array<vec4<f32>, INPUTS>;                             // [32 tokens][QUADS]: insert·Δ·x
var<workgroup> ms: array<vec4<f32>, 288>;                                // [32 t][8 quads of u + 1 against bank conflicts]: decayed C_t·B_u
var<workgroup> logs: array<vec4<f32>, 8>;                                // [32]: ln of a token's decay
var<workgroup> rest: array<vec4<f32>, 8>;                                // [32]: what the tile's end keeps of a token
var<workgroup> kept: array<f32, 32>;                                     // what a token still sees of the state before the tile
var<workgroup> whole: f32;                                               // ln of the tile's decay

// @section lost
fn fade(z: f32) -> vec2<f32> { return vec2<f32>(exp(z), 0.0); }
// @end

fn transposed(at: u32, stride: u32) -> mat4x4<f32> {
    return transpose(mat4x4<f32>(before[at], before[at + stride], before[at + 2u * stride], before[at + 3u * stride]));
}
fn hide(n: u32, v: mat4x4<f32>) {
    hs[n] = v[0];
    hs[n + QUADS] = v[1];
    hs[n + 2u * QUADS] = v[2];
    hs[n + 3u * QUADS] = v[3];
}
fn state(n: u32) -> mat4x4<f32> { return mat4x4<f32>(hs[n], hs[n + QUADS], hs[n + 2u * QUADS], hs[n + 3u * QUADS]); }
fn inputs(u: u32) -> mat4x4<f32> { return mat4x4<f32>(xs[u], xs[u + QUADS], xs[u + 2u * QUADS], xs[u + 3u * QUADS]); }

// decay fills half a row of ms: thread 2t + 1 the tokens from 16 on, thread 2t those before.
fn decay(t: u32, at: u32) {
    let row = t / 2u;
    var s = 0.0;                                       // Σ of the logs after the quad's last token, up to the row's
    if t % 2u == 0u {
        for (var i = 16u; i <= row; i++) { s += logs[i / 4u][i % 4u]; }
    }
    let first = t % 2u * 4u;
    for (var i = 4u; i > 0u; i--) {
        let quad = first + i - 1u;
        let token = vec4<u32>(0u, 1u, 2u, 3u) + vec4<u32>(quad * 4u);
        let l = select(vec4<f32>(), logs[quad], token <= vec4<u32>(row));
        let e = vec4<f32>(((s + l.w) + l.z) + l.y, (s + l.w) + l.z, s + l.w, s);
        let f = exp(e);
        ms[row * 9u + quad] = select(vec4<f32>(), f * work[at + row * 8u + quad], token <= vec4<u32>(row));
        if row == 31u { rest[quad] = f; }
        s = e.x + l.x;
    }
    if t % 2u == 0u { kept[row] = exp(s); }
    if t == 62u { whole = s; }
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let head = wg.y;
    let group = head / (p.heads / p.groups);
    let pq = t % QUADS;                                // this thread's channels
    let lane = t / QUADS;                              // its quads of states: lane and lane + lanes
    let lanes = 64u / QUADS;
    let share = t / QUADS / 8u;                        // of the sums of results, which shares threads add up
    let shares = lanes / 8u;
    let wide = wg.x * QUADS + pq < p.width;
    let column = head * p.width + min(wg.x * QUADS + pq, p.width - 1u);
    let tiles = (p.tokens + 31u) / 32u;
    let a = rate[head];
    let d = select(0.0, skip[head], (p.has & 1u) != 0u);
    let n0 = min(lane, p.states - 1u);
    let n1 = min(lane + lanes, p.states - 1u);
    var h0 = transposed(column * 4u * p.s_stride + n0, p.s_stride);
    var h1 = transposed(column * 4u * p.s_stride + n1, p.s_stride);
    for (var tile = 0u; tile < tiles; tile++) {
        let first = tile * 32u;
        let count = min(32u, p.tokens - first);
        let steps = tiles * p.groups * 256u + (tile * p.heads + head) * 8u;
        if lane < p.states { hide(n0 * 4u * QUADS + pq, h0); }
        if lane + lanes < p.states { hide(n1 * 4u * QUADS + pq, h1); }
        for (var i = lane; i < 32u; i += lanes) {
            let step = work[steps + i / 4u][i % 4u];
            xs[i * QUADS + pq] = x[(first + min(i, count - 1u)) * p.x_stride + column] * (p.insert * step);
        }
        if t < 8u {
            let token = vec4<u32>(0u, 1u, 2u, 3u) + vec4<u32>(t * 4u);
            logs[t] = select(vec4<f32>(), work[steps + t] * a + p.retain, token < vec4<u32>(count));
        }
        workgroupBarrier();
        decay(t, (tile * p.groups + group) * 256u);
        workgroupBarrier();
        let token = vec4<u32>(0u, 8u, 16u, 24u) + vec4<u32>(t / QUADS % 8u);
        let c = (min(token, vec4<u32>(count - 1u)) + vec4<u32>(first)) * p.x_stride + p.c_first + group * p.states;
        var r = mat4x4<f32>();                         // this thread's share of four tokens' results
        for (var n = share; n < p.states; n += shares) {
            r += state(n * 4u * QUADS + pq) * mat4x4<f32>(x[c.x + n], x[c.y + n], x[c.z + n], x[c.w + n]);
        }
        r = mat4x4<f32>(r[0] * kept[token.x], r[1] * kept[token.y], r[2] * kept[token.z], r[3] * kept[token.w]);
        let m = token * 9u;
        for (var u = share; u < 8u; u += shares) {
            r += inputs(u * 4u * QUADS + pq) * mat4x4<f32>(ms[m.x + u], ms[m.y + u], ms[m.z + u], ms[m.w + u]);
        }
        workgroupBarrier();
        let to = (token + share * 32u) * QUADS + pq;
        ms[to.x] = r[0];
        ms[to.y] = r[1];
        ms[to.z] = r[2];
        ms[to.w] = r[3];
        let f = fade(whole);
        h0 = h0 * f.x - h0 * f.y;
        h1 = h1 * f.x - h1 * f.y;
        for (var u = 0u; u < count; u += 4u) {
            let v = inputs(u * QUADS + pq);
            let r = rest[u / 4u];
            let w = mat4x4<f32>(v[0] * r.x, v[1] * r.y, v[2] * r.z, v[3] * r.w);
            let b = p.b_first + group * p.states;
            let at = min(vec4<u32>(0u, 1u, 2u, 3u) + vec4<u32>(first + u), vec4<u32>(p.tokens - 1u)) * p.x_stride + b;
            h0 += w * transpose(mat4x4<f32>(x[at.x + n0], x[at.y + n0], x[at.z + n0], x[at.w + n0]));
            if lanes < p.states { h1 += w * transpose(mat4x4<f32>(x[at.x + n1], x[at.y + n1], x[at.z + n1], x[at.w + n1])); }
        }
        workgroupBarrier();
        for (var i = lane; i < count && wide; i += lanes) {
            var v = d * x[(first + i) * p.x_stride + column];
            for (var k = 0u; k < shares; k++) { v += ms[(k * 32u + i) * QUADS + pq]; }
            y[(first + i) * p.y_stride + column] = v;
        }
    }
    if !wide { return; }
    h0 = transpose(h0);
    h1 = transpose(h1);
    for (var i = 0u; i < 4u; i++) {
        let at = (column * 4u + i) * p.s_stride;
        if lane < p.states { after[at + n0] = h0[i]; }
        if lane + lanes < p.states { after[at + n1] = h1[i]; }
    }
}

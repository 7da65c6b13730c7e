// embed: y[t] = table[ids[t]]·scale, one workgroup a token, once for each part of a table. Twin: cpu.Embed.
// The first part of a first table zeroes the rows of ids that it lacks; a second table is added.
struct Embed {
    quads: u32,   // of y
    words: u32,   // of a row of w
    units: u32,   // of these, with codes
    tokens: u32,
    stride: u32,  // of y, in quads
    first: u32,   // the part's first row
    rows: u32,    // of the part
    zero: u32,    // 1: write zeros where the part lacks the id
    add: u32,     // 1: add to y
    scale: f32,
}
@group(0) @binding(0) var<uniform> p: Embed;
@group(0) @binding(1) var<storage, read> ids: array<u32>;                // [tokens]
@group(0) @binding(2) var<storage, read> w: array<vec4<u32>>;            // [rows][words]
@group(0) @binding(3) var<storage, read_write> y: array<vec4<f32>>;      // [tokens][stride]

// @section weights
fn quad(row: u32, i: u32) -> vec4<f32> { return bitcast<vec4<f32>>(w[row + i]); }
// @end

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let token = wg.x + wg.y * 65535u;
    if token >= p.tokens { return; }
    let row = ids[token] - p.first;         // wraps to a large number below the part
    for (var c = t; c < p.quads; c += 64u) {
        let at = token * p.stride + c;
        if row < p.rows {
            var v = quad(row * p.words, c) * p.scale;
            if p.add == 1u { v += y[at]; }
            y[at] = v;
        } else if p.zero == 1u {
            y[at] = vec4<f32>();
        }
    }
}

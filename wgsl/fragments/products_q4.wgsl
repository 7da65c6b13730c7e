// Products with weights in q4; see weights_q4. A code becomes a float without a conversion, which GPUs do slowly: as the lowest
// bits that a number of the right size has, which is then subtracted.
const UNIT: u32 = 8u;                                  // quads of a word
fn low(q: u32) -> vec4<f32> {                          // the lower halves of the bytes
    let codes = vec4<u32>(q, q, q, q >> 16u) & vec4<u32>(0xfu, 0xf00u, 0xf0000u, 0xf00u);
    return bitcast<vec4<f32>>(codes | vec4<u32>(0x4b000000u, 0x47000000u, 0x43000000u, 0x47000000u))
        - vec4<f32>(8388608.0, 32768.0, 128.0, 32768.0);
}
fn high(q: u32) -> vec4<f32> {
    let codes = vec4<u32>(q, q, q >> 16u, q >> 16u) & vec4<u32>(0xf0u, 0xf000u, 0xf0u, 0xf000u);
    return bitcast<vec4<f32>>(codes | vec4<u32>(0x49000000u, 0x45000000u, 0x49000000u, 0x45000000u))
        - vec4<f32>(524288.0, 2048.0, 524288.0, 2048.0);
}
fn pair(q: u32, lo: vec4<f32>, hi: vec4<f32>) -> f32 { return dot(low(q), lo) + dot(high(q), hi); }
// Given is what x holds for a word, taken once for however many rows: given is a quad of it.
struct Given {
    x0: vec4<f32>, x1: vec4<f32>, x2: vec4<f32>, x3: vec4<f32>, x4: vec4<f32>, x5: vec4<f32>, x6: vec4<f32>, x7: vec4<f32>,
    sum: f32,
}
fn take(c: u32, at: u32) -> Given {
    var g = Given(given(at, c, 0u), given(at, c, 1u), given(at, c, 2u), given(at, c, 3u), given(at, c, 4u), given(at, c, 5u),
        given(at, c, 6u), given(at, c, 7u), 0.0);
    let all = ((g.x0 + g.x1) + (g.x2 + g.x3)) + ((g.x4 + g.x5) + (g.x6 + g.x7));
    g.sum = (all.x + all.y) + (all.z + all.w);
    return g;
}
fn product(q: vec4<u32>, s: u32, g: Given) -> f32 {
    let d = (pair(q.x, g.x0, g.x4) + pair(q.y, g.x1, g.x5)) + (pair(q.z, g.x2, g.x6) + pair(q.w, g.x3, g.x7));
    let f = unpack2x16float(s);
    return f.x * (d - f.y * g.sum);
}
// Four are a word of each of four rows: fetch takes word c of these, products multiplies them with what x holds for it.
struct Four { a: vec4<u32>, b: vec4<u32>, c: vec4<u32>, d: vec4<u32>, scales: vec4<u32> }
fn fetch(row: vec4<u32>, c: u32) -> Four {
    return Four(w[row.x + c], w[row.y + c], w[row.z + c], w[row.w + c],
        vec4<u32>(scales(row.x, c), scales(row.y, c), scales(row.z, c), scales(row.w, c)));
}
fn products(q: Four, g: Given) -> vec4<f32> {
    return vec4<f32>(product(q.a, q.scales.x, g), product(q.b, q.scales.y, g), product(q.c, q.scales.z, g), product(q.d, q.scales.w, g));
}

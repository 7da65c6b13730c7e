// Weights in f16: w holds eight a word.
struct Eight { lo: vec4<f32>, hi: vec4<f32> }
fn widen(q: vec2<u32>) -> vec4<f32> { return vec4<f32>(unpack2x16float(q.x), unpack2x16float(q.y)); }
fn eight(i: u32) -> Eight {                            // weights 8i .. 8i + 7
    let q = w[i];
    return Eight(widen(q.xy), widen(q.zw));
}
fn four(i: u32) -> vec4<f32> {                         // weights 4i .. 4i + 3
    let q = w[i >> 1u];
    return widen(select(q.xy, q.zw, (i & 1u) == 1u));
}

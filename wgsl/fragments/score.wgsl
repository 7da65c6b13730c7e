// score caps scaled products of queries and a key, and adds the bias of ALiBi (arXiv 2108.12409): distance, where above 0,
// is what it takes for that of the key.
fn bf16(x: f32) -> f32 {                                   // to nearest, ties to even; on vectors naga 0.13 gets it wrong
    let b = bitcast<u32>(x);
    return bitcast<f32>((b + 0x7fffu + ((b >> 16u) & 1u)) & 0xffff0000u);
}
fn score(s: vec4<f32>, slope: vec4<f32>, pos: i32, distance: i32, query: vec4<i32>) -> vec4<f32> {
    var v = s;
    let j = select(vec4<i32>(pos), query - vec4<i32>(distance), vec4<bool>(distance > 0));
    if p.cap > 0.0 { v = p.cap * tanh(clamp(v / p.cap, vec4<f32>(-15.0), vec4<f32>(15.0))); }
    if p.alibi == 1u { v += slope * vec4<f32>(j - query); }
    if p.alibi == 2u {                                     // as Falcon does
        let f = vec4<f32>(j);
        v += p.scale * vec4<f32>(bf16(slope.x * bf16(f.x)), bf16(slope.y * bf16(f.y)), bf16(slope.z * bf16(f.z)),
            bf16(slope.w * bf16(f.w)));
    }
    return v;
}

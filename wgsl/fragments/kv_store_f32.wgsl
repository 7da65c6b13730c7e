// Keys and values in f32: a quad is two words of the bindings.
fn store_key(i: u32, v: vec4<f32>) {
    let q = bitcast<vec4<u32>>(v);
    keys[i * 2u] = q.xy;
    keys[i * 2u + 1u] = q.zw;
}
fn store_value(i: u32, v: vec4<f32>) {
    let q = bitcast<vec4<u32>>(v);
    values[i * 2u] = q.xy;
    values[i * 2u + 1u] = q.zw;
}

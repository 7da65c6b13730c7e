// Keys and values in f16, kept finite: a quad is one word of the bindings.
fn narrow(v: vec4<f32>) -> vec2<u32> {
    let c = clamp(v, vec4<f32>(-65504.0), vec4<f32>(65504.0));
    return vec2<u32>(pack2x16float(c.xy), pack2x16float(c.zw));
}
fn store_key(i: u32, v: vec4<f32>) { keys[i] = narrow(v); }
fn store_value(i: u32, v: vec4<f32>) { values[i] = narrow(v); }

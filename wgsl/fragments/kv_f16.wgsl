// Keys and values in f16: a quad is one word of the bindings.
fn widen(q: vec2<u32>) -> vec4<f32> { return vec4<f32>(unpack2x16float(q.x), unpack2x16float(q.y)); }
fn key(i: u32) -> vec4<f32> { return widen(keys[i]); }
fn value(i: u32) -> vec4<f32> { return widen(values[i]); }

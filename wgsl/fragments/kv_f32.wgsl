// Keys and values in f32: a quad is two words of the bindings.
fn key(i: u32) -> vec4<f32> { return bitcast<vec4<f32>>(vec4<u32>(keys[i * 2u], keys[i * 2u + 1u])); }
fn value(i: u32) -> vec4<f32> { return bitcast<vec4<f32>>(vec4<u32>(values[i * 2u], values[i * 2u + 1u])); }

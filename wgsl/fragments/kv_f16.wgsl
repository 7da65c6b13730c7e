// Keys and values in f16: a row is a quad.
alias Row = vec2<u32>;
fn head_rows(quads: u32) -> u32 { return quads; }
fn widen(q: vec2<u32>) -> vec4<f32> { return vec4<f32>(unpack2x16float(q.x), unpack2x16float(q.y)); }
fn key(at: u32, c: u32) -> vec4<f32> { return widen(keys[at + c * p.page]); }
fn value(at: u32, c: u32) -> vec4<f32> { return widen(values[at + c]); }

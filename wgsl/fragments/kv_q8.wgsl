// Keys and values in q8: a row is a quad of int8, and before each eight quads the f32 that stands for 127.
alias Row = u32;
fn head_rows(quads: u32) -> u32 { return quads + (quads + 7u) / 8u; }
fn widen(q: u32, most: u32) -> vec4<f32> { return unpack4x8snorm(q) * bitcast<f32>(most); }
fn key(at: u32, c: u32) -> vec4<f32> {
    return widen(keys[at + (c + c / 8u + 1u) * p.page], keys[at + c / 8u * 9u * p.page]);
}
fn value(at: u32, c: u32) -> vec4<f32> { return widen(values[at + c + c / 8u + 1u], values[at + c / 8u * 9u]); }

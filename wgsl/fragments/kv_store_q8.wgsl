// Keys and values in q8: the first quad of eight stores their scale too.
var<workgroup> tops: array<f32, 64>;

// largest is the largest magnitude of the eight quads that thread t's is one of; once a kernel, by all threads.
fn largest(t: u32, v: vec4<f32>) -> f32 {
    let a = abs(v);
    tops[t] = max(max(a.x, a.y), max(a.z, a.w));
    workgroupBarrier();
    var most = 0.0;
    for (var i = 0u; i < 8u; i++) { most = max(most, tops[t / 8u * 8u + i]); }
    return most;
}
fn codes(v: vec4<f32>, most: f32) -> u32 { return pack4x8snorm(v / max(most, 1.0e-37)); } // GPUs may take less for zero
fn store_key(at: u32, c: u32, v: vec4<f32>, most: f32) {
    let row = c + c / 8u;
    if c % 8u == 0u { keys[at + row * p.page] = bitcast<u32>(most); }
    keys[at + (row + 1u) * p.page] = codes(v, most);
}
fn store_value(at: u32, c: u32, v: vec4<f32>, most: f32) {
    let row = at + c + c / 8u;
    if c % 8u == 0u { values[row] = bitcast<u32>(most); }
    values[row + 1u] = codes(v, most);
}

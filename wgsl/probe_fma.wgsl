// probe_fma: multiply-adds of registers, 64 a round and thread, to measure what the arithmetic of an adapter does. It has no
// twin. Eight quads that do not depend on one another hide how long one takes; nothing is stored unless the sum is what it
// never is, which no compiler knows.
struct ProbeFma {
    rounds: u32,
    x: f32,
    y: f32,
}
@group(0) @binding(0) var<uniform> p: ProbeFma;
@group(0) @binding(1) var<storage, read_write> out: array<vec4<f32>>;

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let x = vec4<f32>(p.x);
    let y = vec4<f32>(p.y);
    var a = vec4<f32>(f32(id.x));
    var b = a + 1.0;
    var c = a + 2.0;
    var d = a + 3.0;
    var e = a + 4.0;
    var f = a + 5.0;
    var g = a + 6.0;
    var h = a + 7.0;
    for (var i = 0u; i < p.rounds; i++) {
        a = fma(a, x, y);
        b = fma(b, x, y);
        c = fma(c, x, y);
        d = fma(d, x, y);
        e = fma(e, x, y);
        f = fma(f, x, y);
        g = fma(g, x, y);
        h = fma(h, x, y);
        a = fma(a, x, y);
        b = fma(b, x, y);
        c = fma(c, x, y);
        d = fma(d, x, y);
        e = fma(e, x, y);
        f = fma(f, x, y);
        g = fma(g, x, y);
        h = fma(h, x, y);
    }
    let sum = a + b + c + d + e + f + g + h;
    if sum.x == -1.0 { out[0] = sum; }
}

// The products of one token with ROWS rows of W, eight, across LANES threads, where a word holds few quads: a thread has a word of
// each row at a time, its part of x in registers, and the words of the next four rows on their way.
var<workgroup> sums: array<vec4<f32>, PARTS>;                            // [2][LANES], a component a row
var<private> square: f32;                                                // of what this thread has taken of x

// given is a quad of x, times the norm's weights.
fn given(at: u32, c: u32, i: u32) -> vec4<f32> {
    let q = c * UNIT + i;
    let column = vec4<u32>(0u, 1u, 2u, 3u) + vec4<u32>(q * 4u);
    var v = select(vec4<f32>(), x[min(q, p.quads - 1u)], column < vec4<u32>(p.cols));
    square += dot(v, v);
    if (p.norm & 2u) != 0u { v *= weight[min(q, p.quads - 1u)]; }
    return v;
}

// rows are where four of W begin; past the end they repeat the last one.
fn rows(first: u32) -> vec4<u32> {
    return min(vec4<u32>(0u, 1u, 2u, 3u) + vec4<u32>(first), vec4<u32>(p.rows - 1u)) * p.words;
}

// multiply leaves the rows' products for result, but for the norm's factor, which it returns.
fn multiply(first: u32, t: u32) -> f32 {
    let row0 = rows(first);
    let row1 = rows(first + 4u);
    var s0 = vec4<f32>();
    var s1 = vec4<f32>();
    var next = fetch(row0, min(t, p.units - 1u));      // before x, which takes as long
    for (var c = t; c < p.units; c += LANES) {
        let g = take(c, 0u);
        let now = next;
        let other = fetch(row1, c);
        s0 += products(now, g);
        next = fetch(row0, min(c + LANES, p.units - 1u));
        s1 += products(other, g);
    }
    sums[t] = s0;
    sums[t + LANES] = s1;
    workgroupBarrier();
    for (var n = LANES / 4u; n > 1u; n >>= 2u) {       // LANES -> 4 or 2
        if t < 2u * n {
            let i = t / n * LANES + t % n;
            sums[i] = (sums[i] + sums[i + n]) + (sums[i + 2u * n] + sums[i + 3u * n]);
        }
        workgroupBarrier();
    }
    return factor(t, square);
}

// result is the product of row r of the workgroup's.
fn result(r: u32) -> f32 {
    let j = r / 4u * LANES;
    var all = sums[j] + sums[j + 1u];
    if LANES != 128u { all += sums[j + 2u] + sums[j + 3u]; }
    return all[r % 4u];
}

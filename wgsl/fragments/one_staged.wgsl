// The products of one token with ROWS rows of W, 4·PER of them across LANES threads, where a word holds many quads. x comes to
// workgroup memory in pieces of 512 quads, turned so that neighbouring threads find their quads side by side, and once for all
// rows: what it takes to read x is what a product with packed weights spends most of its time on.
var<workgroup> sums: array<vec4<f32>, PARTS>;                            // [PER][THREADS], a component a row
var<workgroup> xs: array<array<vec4<f32>, 65>, UNIT>;                    // [quads of a word][words], and one against bank conflicts
fn given(at: u32, c: u32, i: u32) -> vec4<f32> { return xs[i][c - at]; }

// bring takes a quad of x, times the norm's weights, to where given finds it, and returns the sum of its squares.
fn bring(i: u32, q: u32) -> f32 {
    let column = vec4<u32>(0u, 1u, 2u, 3u) + vec4<u32>(q * 4u);
    var v = select(vec4<f32>(), x[min(q, p.quads - 1u)], column < vec4<u32>(p.cols));
    let square = dot(v, v);
    if (p.norm & 2u) != 0u { v *= weight[min(q, p.quads - 1u)]; }
    xs[i % UNIT][i / UNIT] = v;
    return square;
}

// multiply leaves the rows' products for result, but for the norm's factor, which it returns.
fn multiply(first: u32, t: u32) -> f32 {
    let lane = t % LANES;
    let four = vec4<u32>(0u, 1u, 2u, 3u) + vec4<u32>(first + t / LANES * 4u * PER);
    let row0 = min(four, vec4<u32>(p.rows - 1u)) * p.words; // rows past the end repeat the last one
    let row1 = min(four + vec4<u32>(4u), vec4<u32>(p.rows - 1u)) * p.words;
    var s0 = vec4<f32>();
    var s1 = vec4<f32>();
    var square = 0.0;
    for (var at = 0u; at < p.units; at += 512u / UNIT) {
        for (var i = t; i < 512u; i += THREADS) { square += bring(i, at * UNIT + i); }
        workgroupBarrier();
        for (var c = at + lane; c < min(p.units, at + 512u / UNIT); c += LANES) {
            let g = take(c, at);
            s0 += products(fetch(row0, c), g);
            if PER > 1u { s1 += products(fetch(row1, c), g); }
        }
        workgroupBarrier();
    }
    sums[t] = s0;
    if PER > 1u { sums[t + THREADS] = s1; }
    workgroupBarrier();
    for (var n = LANES / 4u; n > 1u; n >>= 2u) {       // LANES -> 4 or 2
        for (var i = t; i < PARTS; i += THREADS) {
            if lane < n { sums[i] = (sums[i] + sums[i + n]) + (sums[i + 2u * n] + sums[i + 3u * n]); }
        }
        workgroupBarrier();
    }
    return factor(t, square);
}

// result is the product of row r of the workgroup's.
fn result(r: u32) -> f32 {
    let j = r / 4u % PER * THREADS + r / (4u * PER) * LANES;
    var all = sums[j] + sums[j + 1u];
    if LANES != 128u { all += sums[j + 2u] + sums[j + 3u]; }
    return all[r % 4u];
}

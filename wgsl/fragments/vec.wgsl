// The products of COLS tokens with ROWS rows of W, four or sixteen rows at once across LANES threads.
var<workgroup> sums: array<vec4<f32>, PARTS>;                            // [COLS·PER][THREADS], a component a row

// begin is where rows begin. Rows and tokens past the end repeat the last one.
fn begin(rows: vec4<u32>) -> vec4<u32> { return min(rows, vec4<u32>(p.rows - 1u)) * p.words; }

// multiply leaves the products of rows first, .. with tokens token, .. for sum; shift is where in x the columns begin.
fn multiply(first: u32, token: u32, shift: u32, t: u32) {
    let lane = t % LANES;
    let four = vec4<u32>(0u, 1u, 2u, 3u) + vec4<u32>(first + t / LANES * 4u * PER);
    let row = begin(four);
    let at = min(vec4<u32>(token, token + 1u, token + 2u, token + 3u), vec4<u32>(p.tokens - 1u)) * p.x_stride + shift;
    var s0 = vec4<f32>();
    var s1 = vec4<f32>();
    var s2 = vec4<f32>();
    var s3 = vec4<f32>();
    for (var c = lane; c < p.units; c += LANES) {
        let g = take(c, at.x);
        s0 += products(fetch(row, c), g);
        if COLS > 1u {
            s1 += products(fetch(row, c), take(c, at.y));
            s2 += products(fetch(row, c), take(c, at.z));
            s3 += products(fetch(row, c), take(c, at.w));
        }
        if PER > 1u {
            s1 += products(fetch(begin(four + vec4<u32>(4u)), c), g);
            s2 += products(fetch(begin(four + vec4<u32>(8u)), c), g);
            s3 += products(fetch(begin(four + vec4<u32>(12u)), c), g);
        }
    }
    sums[t] = s0;
    if COLS > 1u || PER > 1u {
        sums[t + THREADS] = s1;
        sums[t + THREADS * 2u] = s2;
        sums[t + THREADS * 3u] = s3;
    }
    workgroupBarrier();
    for (var n = LANES / 4u; n >= 4u; n >>= 2u) {      // LANES -> 4 (8 stay) a column and four rows
        if lane < n {
            for (var i = t; i < PARTS; i += THREADS) {
                sums[i] = (sums[i] + sums[i + n]) + (sums[i + 2u * n] + sums[i + 3u * n]);
            }
        }
        workgroupBarrier();
    }
}

// sum is the product of a token and a row of the workgroup's.
fn sum(token: u32, row: u32) -> f32 {
    let j = (token + row / 4u % PER) * THREADS + row / (4u * PER) * LANES;
    let r = row % 4u;
    let s = (sums[j][r] + sums[j + 1u][r]) + (sums[j + 2u][r] + sums[j + 3u][r]);
    if LANES != 8u { return s; }
    return s + ((sums[j + 4u][r] + sums[j + 5u][r]) + (sums[j + 6u][r] + sums[j + 7u][r]));
}

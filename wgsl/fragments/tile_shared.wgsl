// A product of SPAN_Y·4 tokens with SPAN_X·4 rows of W, K in steps of 16: X × Y threads with PER × PER blocks of 4 × 4 results each.
// A thread brings four tokens, or rows, by a quad of K; those of the next step are on their way while this one is computed.
var<workgroup> xs: array<array<vec4<f32>, SPAN_Y>, 16>;                  // [of K][SPAN_Y]: a vector is four tokens
var<workgroup> ws: array<array<vec4<f32>, SPAN_X>, 16>;                  // [of K][SPAN_X]: four rows

// multiply computes a tile from token and row on, and hands it to store4; shift is where in x the columns begin.
fn multiply(token: u32, row: u32, shift: u32, t: u32) {
    let tx = t % X;
    let ty = t / X;
    let i = t / 4u;
    let c = t % 4u;
    let x_at = four(token + i * 4u, p.tokens, p.x_stride) + vec4<u32>(shift);
    let w_at = four(row + i * 4u, p.rows, p.words);
    var m00 = mat4x4<f32>();                           // a column is a token, or with 1 the one Y·4 on; and so are rows
    var m01 = mat4x4<f32>();
    var m10 = mat4x4<f32>();
    var m11 = mat4x4<f32>();
    var xq = mat4x4<f32>();
    var wq = mat4x4<f32>();
    if i < SPAN_Y { xq = tokens_quad(x_at, c); }
    if i < SPAN_X { wq = rows_quad(w_at, c); }
    for (var k = 0u; k < p.quads; k += 4u) {
        if i < SPAN_Y {
            if k + c >= p.quads { xq = mat4x4<f32>(); }
            let turned = transpose(xq);
            xs[c * 4u][i] = turned[0];
            xs[c * 4u + 1u][i] = turned[1];
            xs[c * 4u + 2u][i] = turned[2];
            xs[c * 4u + 3u][i] = turned[3];
        }
        if i < SPAN_X {
            let turned = transpose(wq);
            ws[c * 4u][i] = turned[0];
            ws[c * 4u + 1u][i] = turned[1];
            ws[c * 4u + 2u][i] = turned[2];
            ws[c * 4u + 3u][i] = turned[3];
        }
        workgroupBarrier();
        if i < SPAN_Y { xq = tokens_quad(x_at, k + 4u + c); }
        if i < SPAN_X { wq = rows_quad(w_at, k + 4u + c); }
        for (var j = 0u; j < 16u; j++) { // @unroll
            let a0 = xs[j][ty];
            let b0 = ws[j][tx];
            m00 = add(m00, a0, b0);
            if PER > 1u {
                let a1 = xs[j][ty + Y];
                let b1 = ws[j][tx + X];
                m01 = add(m01, a0, b1);
                m10 = add(m10, a1, b0);
                m11 = add(m11, a1, b1);
            }
        } // @end
        workgroupBarrier();
    }
    store4(token + ty * 4u, row + tx * 4u, m00);
    if PER > 1u {
        store4(token + ty * 4u, row + (tx + X) * 4u, m01);
        store4(token + (ty + Y) * 4u, row + tx * 4u, m10);
        store4(token + (ty + Y) * 4u, row + (tx + X) * 4u, m11);
    }
}

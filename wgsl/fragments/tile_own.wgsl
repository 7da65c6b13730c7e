// A product of SPAN_Y·4 tokens with SPAN_X·4 rows of W: X × Y threads, each with PER × PER blocks of 4 × 4 results on its own. For
// software adapters, to which workgroup memory is as far as a buffer, and where a lane waits for a load as long as for dozens of
// multiply-adds (33 ns for a vec4 on lavapipe): so the most results a thread for what it loads. PER is 4.

// multiply computes a tile from token and row on, and hands it to store4; shift is where in x the columns begin.
fn multiply(token: u32, row: u32, shift: u32, t: u32) {
    let y0 = token + t / X * 16u;
    let x0 = row + t % X * 16u;
    var m: array<mat4x4<f32>, 16>;                     // [of tokens][of rows]: a column is a token
    for (var k = 0u; k < p.quads; k++) {
        let a0 = tokens_quad(four(y0, p.tokens, p.x_stride) + vec4<u32>(shift), k);
        let a1 = tokens_quad(four(y0 + 4u, p.tokens, p.x_stride) + vec4<u32>(shift), k);
        let a2 = tokens_quad(four(y0 + 8u, p.tokens, p.x_stride) + vec4<u32>(shift), k);
        let a3 = tokens_quad(four(y0 + 12u, p.tokens, p.x_stride) + vec4<u32>(shift), k);
        for (var j = 0u; j < 4u; j++) { // @unroll
            let b = transpose(rows_quad(four(x0 + 4u * j, p.rows, p.words), k));
            m[j] += b * a0;
            m[4u + j] += b * a1;
            m[8u + j] += b * a2;
            m[12u + j] += b * a3;
        } // @end
    }
    for (var i = 0u; i < 16u; i++) {                   // one place to store from: the blocks come there in turn
        store4(y0 + i / 4u * 4u, x0 + i % 4u * 4u, m[0]);
        for (var j = 0u; j < 15u; j++) { // @unroll
            m[j] = m[j + 1u];
        } // @end
    }
}

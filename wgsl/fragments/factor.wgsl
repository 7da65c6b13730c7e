// The RMS norm of one token for the kernels *_one, which multiply first.
var<workgroup> squares: array<f32, THREADS>;                             // of x

// factor is that of the norm, of each thread's squares.
fn factor(t: u32, square: f32) -> f32 {
    if (p.norm & 1u) == 0u { return 1.0; }
    squares[t] = square;
    workgroupBarrier();
    for (var n = THREADS / 4u; n > 1u; n >>= 2u) {     // THREADS -> 4 or 2
        if t < n { squares[t] = (squares[t] + squares[t + n]) + (squares[t + 2u * n] + squares[t + 3u * n]); }
        workgroupBarrier();
    }
    var all = squares[0] + squares[1];
    if THREADS != 128u { all += squares[2] + squares[3]; }
    return inverseSqrt(all / f32(p.cols) + p.eps);
}

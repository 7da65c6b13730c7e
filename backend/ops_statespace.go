package backend

import "fmt"

// DiagonalScan is a linear state space with a diagonal of complex poles for each channel, token by token (S4D, arXiv
// 2206.11893): x ← A⊙x + u[t][c], dst[t][c] = Act(Re Σ C⊙x + D[c]·u[t][c]).
//
// A row of A, C and the states holds the real parts of its poles, then the imaginary ones. The number of poles is a multiple
// of four: those that fill it up are zero in A and C.
type DiagonalScan struct {
	A, C     Tensor // f32 [channels][2·poles]: the poles and what they are weighed with, discretised
	D        Tensor // f32 [1][channels], or none
	Act      Activation
	From, To Tensor // f32 [channels][2·poles]: the states before the first token, and after the last; not the same
}

// Check checks the operands of Ops.DiagonalScan.
func (a DiagonalScan) Check(dst, u Tensor) error {
	if a.A.Cols%8 != 0 || a.A.Cols == 0 {
		return fmt.Errorf("diagonal_scan: %d poles, not a multiple of four", a.A.Cols/2)
	}
	return first("diagonal_scan", dst, sized("u", u, dst.Rows, dst.Cols), sized("a", a.A, dst.Cols, a.A.Cols),
		sized("c", a.C, dst.Cols, a.A.Cols), vector("d", a.D, dst.Cols), sized("from", a.From, dst.Cols, a.A.Cols),
		sized("to", a.To, dst.Cols, a.A.Cols))
}

// LongConv is a causal convolution of each channel with a kernel that may be as long as the text (S4's in convolution mode,
// arXiv 2111.00396; SGConv, arXiv 2210.09298):
//
//	dst[t][c] = Act(Σ_s Kernel[s][c]·in[past + t − s][c] + D[c]·u[t][c]), in = the rows of Past, then those of u
type LongConv struct {
	Kernel Tensor // f32 [taps][channels]; all beyond are zero
	Past   Tensor // f32 [past][channels]: the inputs before, the oldest first; or none
	D      Tensor // f32 [1][channels], or none
	Act    Activation
}

// Check checks the operands of Ops.LongConv.
func (a LongConv) Check(dst, u Tensor) error {
	past := sized("past", a.Past, a.Past.Rows, dst.Cols)
	past.ok = past.ok || a.Past.IsNone()
	return first("long_conv", dst, sized("u", u, dst.Rows, dst.Cols), sized("kernel", a.Kernel, a.Kernel.Rows, dst.Cols), past,
		vector("d", a.D, dst.Cols))
}

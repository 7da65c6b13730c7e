package cpu

import "github.com/lrun/lrun/backend"

// LongConv is a causal convolution; see backend.LongConv.
func (o *ops) LongConv(dst, u backend.Tensor, a backend.LongConv) {
	if !o.ready(a.Check(dst, u)) {
		return
	}
	past := a.Past.Rows
	parallel(dst.Rows, 1, func(from, to int) {
		sum := make([]float32, dst.Cols)
		for t := from; t < to; t++ {
			clear(sum)
			for s := range min(a.Kernel.Rows, past+t+1) {
				in := a.Past
				j := past + t - s
				if j >= past {
					in, j = u, j-past
				}
				kernel := row(a.Kernel, s)
				for c, x := range row(in, j)[:dst.Cols] {
					sum[c] += kernel[c] * x
				}
			}
			for c, y := range sum {
				row(dst, t)[c] = activate(a.Act, y+through(a.D, c, row(u, t)[c]))
			}
		}
	})
}

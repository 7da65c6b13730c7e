package cpu

import "github.com/lrun/lrun/backend"

// Conv is a causal depthwise convolution; see backend.Conv.
func (o *ops) Conv(dst, x backend.Tensor, a backend.Conv) {
	if !o.ready(a.Check(dst, x)) {
		return
	}
	last := a.Weight.Rows - 1
	// input is the columns of token t, from −last on.
	input := func(t int) []float32 {
		if t < 0 {
			return row(a.From, t+last)
		}
		return row(x, t)[a.First : a.First+dst.Cols]
	}
	bias := values(a.Bias)
	parallel(dst.Rows, 8, func(from, to int) {
		for t := from; t < to; t++ {
			y := row(dst, t)
			clear(y)
			copy(y, bias)
			for j := range a.Weight.Rows {
				in := input(t - last + j)
				for c, w := range row(a.Weight, j) {
					y[c] += w * in[c]
				}
			}
			for c, v := range y {
				y[c] = activate(a.Act, v)
			}
		}
	})
	for j := range last {
		copy(row(a.To, j), input(dst.Rows-last+j))
	}
}

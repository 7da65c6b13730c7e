package cpu

import "github.com/lrun/lrun/backend"

// Gate multiplies the halves of rows, the first through an activation; see backend.Ops.
func (o *ops) Gate(dst, x backend.Tensor, act backend.Activation) {
	if !o.ready(backend.CheckGate(dst, x)) {
		return
	}
	parallel(dst.Rows, 8, func(from, to int) {
		for t := from; t < to; t++ {
			y, in := row(dst, t), row(x, t)
			for c := range y {
				y[c] = activate(act, in[c]) * in[len(y)+c]
			}
		}
	})
}

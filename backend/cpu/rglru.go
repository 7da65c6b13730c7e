package cpu

import (
	"math"

	"github.com/lrun/lrun/backend"
)

// RGLRU is Griffin's recurrence; see backend.RGLRU.
func (o *ops) RGLRU(dst, x backend.Tensor, a backend.RGLRU) {
	if !o.ready(a.Check(dst, x)) {
		return
	}
	before, after := row(a.From, 0), row(a.To, 0)
	parallel(dst.Cols, 16, func(from, to int) {
		for c := from; c < to; c++ {
			h, rate := before[c], -8*softplus(row(a.Lambda, 0)[c])
			for t := range dst.Rows {
				log := rate * sigmoid(row(a.Recurrence, t)[c])
				in := row(x, t)[c] * sigmoid(row(a.Input, t)[c])
				if t > 0 || !a.Start {
					in *= float32(math.Sqrt(-math.Expm1(2 * float64(log)))) // √(1 − a²)
				}
				h = exp(log)*h + in
				row(dst, t)[c] = h * gate(a.Mul, t, a.MulFirst+c, a.Act)
			}
			after[c] = h
		}
	})
}

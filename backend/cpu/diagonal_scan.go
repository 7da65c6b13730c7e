package cpu

import "github.com/lrun/lrun/backend"

// DiagonalScan is a diagonal state space; see backend.DiagonalScan.
func (o *ops) DiagonalScan(dst, u backend.Tensor, a backend.DiagonalScan) {
	if !o.ready(a.Check(dst, u)) {
		return
	}
	poles := a.A.Cols / 2
	parallel(dst.Cols, 4, func(from, to int) {
		for c := from; c < to; c++ {
			state := row(a.To, c)
			copy(state, row(a.From, c))
			re, im := state[:poles], state[poles:2*poles]
			ar, ai := row(a.A, c)[:poles], row(a.A, c)[poles:2*poles]
			cr, ci := row(a.C, c)[:poles], row(a.C, c)[poles:2*poles]
			for t := range dst.Rows {
				x := row(u, t)[c]
				y := float32(0)
				for i := range re {
					re[i], im[i] = ar[i]*re[i]-ai[i]*im[i]+x, ar[i]*im[i]+ai[i]*re[i]
					y += cr[i]*re[i] - ci[i]*im[i]
				}
				row(dst, t)[c] = activate(a.Act, y+through(a.D, c, x))
			}
		}
	})
}

// through is what of an input goes past the states: d[c]·x, or nothing where there is no d.
func through(d backend.Tensor, c int, x float32) float32 {
	if d.IsNone() {
		return 0
	}
	return row(d, 0)[c] * x
}

package cpu

import "github.com/lrun/lrun/backend"

// SelectiveScan is Mamba's recurrence; see backend.SelectiveScan.
func (o *ops) SelectiveScan(dst, x backend.Tensor, a backend.SelectiveScan) {
	if !o.ready(a.Check(dst, x)) {
		return
	}
	states := a.States()
	d := row(a.AD, states)
	parallel(dst.Cols, 16, func(from, to int) {
		h, rates := make([]float32, states), make([]float32, states)
		for c := from; c < to; c++ {
			for n := range h {
				h[n], rates[n] = row(a.From, n)[c], row(a.AD, n)[c]
			}
			for t := range dst.Rows {
				u := row(x, t)[c]
				bc := row(a.BC, t)[a.First:]
				y := selectiveStep(h, rates, bc[:states], bc[states:2*states], softplus(row(a.Delta, t)[c]), u) + d[c]*u
				row(dst, t)[c] = y * gate(a.Gate, t, a.GateFirst+c, a.Act)
			}
			for n, v := range h {
				row(a.To, n)[c] = v
			}
		}
	})
}

// selectiveStep moves a channel's states on by a token and returns h·C.
func selectiveStep(h, rates, b, c []float32, delta, x float32) float32 {
	y := float32(0)
	for n, rate := range rates {
		h[n] = exp(delta*rate)*h[n] + delta*x*b[n]
		y += h[n] * c[n]
	}
	return y
}

// gate is the activation of a column of an optional tensor, 1 where there is none.
func gate(t backend.Tensor, r, column int, act backend.Activation) float32 {
	if t.IsNone() {
		return 1
	}
	return activate(act, row(t, r)[column])
}

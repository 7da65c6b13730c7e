package cpu

import (
	"math"

	"github.com/lrun/lrun/backend"
)

func (o *ops) Conv(dst, x backend.Tensor, a backend.Conv) {
	if !o.ready(nil) {
		return
	}
	k := a.Weight.Rows
	in := func(t, c int) float32 {
		if t < 0 {
			return row(a.From, t+k-1)[c]
		}
		return row(x, t)[a.First+c]
	}
	for t := range dst.Rows {
		for c := range dst.Cols {
			s := float32(0)
			if !a.Bias.IsNone() {
				s = row(a.Bias, 0)[c]
			}
			for j := range k {
				s += row(a.Weight, j)[c] * in(t-k+1+j, c)
			}
			row(dst, t)[c] = activate(a.Act, s)
		}
	}
	for j := range k - 1 {
		for c := range dst.Cols {
			row(a.To, j)[c] = in(dst.Rows-k+1+j, c)
		}
	}
}

func softplus(x float32) float32 {
	if x > 20 {
		return x
	}
	return float32(math.Log1p(math.Exp(float64(x))))
}

func (o *ops) SelectiveScan(dst, u backend.Tensor, a backend.SelectiveScan) {
	if !o.ready(nil) {
		return
	}
	n := a.A.Cols
	parallel(dst.Cols, 8, func(from, to int) {
		for e := from; e < to; e++ {
			h := row(a.To, e)
			copy(h, row(a.From, e))
			for t := range dst.Rows {
				bc, x := row(a.BC, t)[a.First:], row(u, t)[e]
				d := softplus(row(a.Delta, t)[e])
				y := row(a.D, 0)[e] * x
				for i := range n {
					h[i] = exp(d*row(a.A, e)[i])*h[i] + d*x*bc[i]
					y += h[i] * bc[n+i]
				}
				if !a.Gate.IsNone() {
					y *= activate(a.Act, row(a.Gate, t)[a.GateFirst+e])
				}
				row(dst, t)[e] = y
			}
		}
	})
}

func (o *ops) PartNorm(dst, x backend.Tensor, a backend.PartNorm) {
	if !o.ready(nil) {
		return
	}
	for t := range dst.Rows {
		y := row(dst, t)
		g := func(c int) float32 {
			if a.Gate.IsNone() {
				return 1
			}
			return activate(a.Act, row(a.Gate, t)[a.GateFirst+c])
		}
		for c := range y {
			y[c] = row(x, t)[c]
			if a.Before {
				y[c] *= g(c)
			}
		}
		for at := 0; at < len(y); {
			end := at + a.Part
			if at == 0 && a.Lead > 0 {
				end = a.Lead
			}
			normalise(y[at:end], y[at:end], backend.Norm{RMS: true, Eps: a.Eps}, nil, nil)
			at = end
		}
		for c := range y {
			if !a.Weight.IsNone() {
				y[c] *= row(a.Weight, 0)[c]
			}
			if !a.Before {
				y[c] *= g(c)
			}
		}
	}
}

func (o *ops) SSD(dst, x backend.Tensor, a backend.SSD) {
	if !o.ready(nil) {
		return
	}
	p, n := dst.Cols/a.Heads, a.State
	if a.Insert == 0 {
		a.Insert = 1
	}
	parallel(dst.Cols, 4, func(from, to int) {
		for e := from; e < to; e++ {
			h := e / p
			g := h / (a.Heads / a.Groups)
			s := row(a.To, e)
			copy(s, row(a.From, e))
			for t := range dst.Rows {
				d := float32(1)
				if !a.Delta.IsNone() {
					d = softplus(row(a.Delta, t)[a.DeltaFirst+h] + row(a.DeltaBias, 0)[h])
					d = min(max(d, a.Least), a.Most)
				}
				in := row(x, t)
				b := in[dst.Cols+g*n:]
				c := in[dst.Cols+a.Groups*n+g*n:]
				keep := exp(d*row(a.A, 0)[h] + a.Retain)
				y := float32(0)
				if !a.D.IsNone() {
					y = row(a.D, 0)[h] * in[e]
				}
				for i := range n {
					s[i] = keep*s[i] + a.Insert*d*in[e]*b[i]
					y += s[i] * c[i]
				}
				row(dst, t)[e] = y
			}
		}
	})
}

func (o *ops) RGLRU(dst, x backend.Tensor, a backend.RGLRU) {
	if !o.ready(nil) {
		return
	}
	for c := range dst.Cols {
		h := row(a.From, 0)[c]
		for t := range dst.Rows {
			g := row(a.Gates, t)
			la := -8 * sigmoid(g[a.RecurrenceFirst+c]) * softplus(row(a.Lambda, 0)[c])
			m := float32(math.Sqrt(-math.Expm1(float64(2 * la))))
			if a.Start && t == 0 {
				m = 1
			}
			h = exp(la)*h + m*sigmoid(g[a.InputFirst+c])*row(x, t)[c]
			row(dst, t)[c] = h * activate(a.Act, row(a.Mul, t)[a.MulFirst+c])
		}
		row(a.To, 0)[c] = h
	}
}

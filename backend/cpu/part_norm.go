package cpu

import "github.com/lrun/lrun/backend"

// PartNorm normalises parts of rows; see backend.PartNorm.
func (o *ops) PartNorm(dst, x backend.Tensor, a backend.PartNorm) {
	if !o.ready(a.Check(dst, x)) {
		return
	}
	norm := backend.Norm{RMS: true, Eps: a.Eps}
	weight := values(a.Weight)
	parallel(dst.Rows, 8, func(from, to int) {
		for t := from; t < to; t++ {
			y := row(dst, t)
			copy(y, row(x, t))
			if a.Before {
				multiplyGate(y, t, a)
			}
			for start, end := 0, a.Lead; start < len(y); start, end = end, end+a.Part {
				if end == 0 {
					end = a.Part
				}
				normalise(y[start:end], y[start:end], norm, nil, nil)
			}
			for c, w := range weight {
				y[c] *= w
			}
			if !a.Before {
				multiplyGate(y, t, a)
			}
		}
	})
}

// multiplyGate multiplies token t's row by its gate.
func multiplyGate(y []float32, t int, a backend.PartNorm) {
	for c := range y {
		y[c] *= gate(a.Gate, t, a.GateFirst+c, a.Act)
	}
}

package cpu

import (
	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/backend/cpu/vector"
)

// GateUp is the first half of a gated MLP; see backend.GateUp.
func (o *ops) GateUp(dst, x backend.Tensor, w *backend.Matrix, a backend.GateUp) {
	if !o.ready(a.Check(dst, x, w)) {
		return
	}
	x = o.normed(x, a.Norm)
	bias := values(a.Bias)
	product(x, w, func(t, first int, sums []float32) {
		if bias != nil {
			add(sums, bias[first:])
		}
		gatePairs(row(dst, t)[first/2:(first+len(sums))/2], sums, a.Act)
	})
}

// gatePairs multiplies the second of each pair with the first through an activation.
func gatePairs(y, pairs []float32, act backend.Activation) {
	if act == backend.SiLU {
		vector.GateSiLU(y, pairs)
		return
	}
	for i := range y {
		y[i] = activate(act, pairs[2*i]) * pairs[2*i+1]
	}
}

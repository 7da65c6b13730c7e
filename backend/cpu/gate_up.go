package cpu

import "github.com/lrun/lrun/backend"

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
		y := row(dst, t)[first/2 : (first+len(sums))/2]
		for i := range y {
			y[i] = sums[2*i]
		}
		activateAll(a.Act, y)
		for i := range y {
			y[i] *= sums[2*i+1]
		}
	})
}

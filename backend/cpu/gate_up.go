package cpu

import "github.com/lrun/lrun/backend"

// GateUp is the first half of a gated MLP; see backend.GateUp.
func (o *ops) GateUp(dst, x backend.Tensor, w *backend.Matrix, a backend.GateUp) {
	if !o.ready(a.Check(dst, x, w)) {
		return
	}
	x = o.normed(x, a.Norm)
	bias := values(a.Bias)
	// A worker owns both rows of a pair, gate before up, so the gate waits in dst for the up.
	grain := max(1, 1<<14/(backend.Pad8(w.Cols)*max(1, x.Rows)))
	parallel(w.Rows/2, grain, func(from, to int) {
		productRows(x, w, 2*from, 2*to, func(t, r int, sum float32) {
			if bias != nil {
				sum += bias[r]
			}
			y := &row(dst, t)[r/2]
			if r%2 == 0 {
				*y = activate(a.Act, sum)
			} else {
				*y *= sum
			}
		})
	})
}

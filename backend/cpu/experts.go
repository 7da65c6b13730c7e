package cpu

import (
	"math"

	"github.com/lrun/lrun/backend"
)

// ExpertGateUp is GateUp with each token's own experts; see backend.Experts.
func (o *ops) ExpertGateUp(dst, x, routes backend.Tensor, w *backend.Matrix, a backend.Experts) {
	if !o.ready(a.CheckGateUp(dst, x, routes, w)) {
		return
	}
	parallel(dst.Rows, 1, func(from, to int) {
		withScratch(func(s *scratch) {
			for i := from; i < to; i++ {
				t, k := i/a.TopK, i%a.TopK
				first := int(bits(routes, t)[k]) * 2 * dst.Cols
				y, in := row(dst, i), padded(x, t)
				for r := 0; r < len(y); r += blockRows {
					part := y[r:min(r+blockRows, len(y))]
					pairs := s.sums[:2*len(part)]
					dots(pairs, w, first+2*r, in)
					gatePairs(part, pairs, a.Act)
				}
			}
		})
	})
}

// ExpertDown sums what each token's experts make of their hidden rows; see backend.Experts.
func (o *ops) ExpertDown(dst, x, routes backend.Tensor, w *backend.Matrix, a backend.Experts) {
	if !o.ready(a.CheckDown(dst, x, routes, w)) {
		return
	}
	parallel(dst.Rows, 1, func(from, to int) {
		withScratch(func(s *scratch) {
			for t := from; t < to; t++ {
				y, chosen := row(dst, t), bits(routes, t)
				clear(y)
				for k := range a.TopK {
					first := int(chosen[k]) * dst.Cols
					weight := math.Float32frombits(chosen[a.TopK+k])
					in := padded(x, t*a.TopK+k)
					for r := 0; r < len(y); r += blockRows {
						part := y[r:min(r+blockRows, len(y))]
						sums := s.sums[:len(part)]
						dots(sums, w, first+r, in)
						for i, v := range sums {
							part[i] += weight * v
						}
					}
				}
			}
		})
	})
}

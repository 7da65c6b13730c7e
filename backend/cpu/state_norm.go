package cpu

import (
	"math"

	"github.com/lrun/lrun/backend"
)

// StateNorm bounds the norms of heads' states; see backend.StateNorm.
func (o *ops) StateNorm(state backend.Tensor, a backend.StateNorm) {
	if !o.ready(a.Check(state)) {
		return
	}
	from, to := row(a.From, 0), row(a.To, 0)
	copy(to, from)
	if a.Phase == backend.KeepNorms {
		return
	}
	width := state.Rows / a.Heads
	parallel(a.Heads, 1, func(first, end int) {
		for h := first; h < end; h++ {
			sum := 0.0
			for r := h * width; r < (h+1)*width; r++ {
				for _, v := range row(state, r) {
					sum += float64(v) * float64(v)
				}
			}
			norm := float32(math.Sqrt(sum))
			switch {
			case a.Phase == backend.LearnNorms:
				to[h] = norm
			case norm > from[h]:
				scale := from[h] / norm
				for r := h * width; r < (h+1)*width; r++ {
					for c := range row(state, r) {
						row(state, r)[c] *= scale
					}
				}
			}
		}
	})
}

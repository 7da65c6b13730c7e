package cpu

import (
	"math"

	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/backend/cpu/vector"
)

// LogProb scores one target a row; see backend.Ops.
func (o *ops) LogProb(dst, logits, targets backend.Tensor) {
	if !o.ready(backend.CheckLogProb(dst, logits, targets)) {
		return
	}
	parallel(logits.Rows, 1, func(from, to int) {
		for t := from; t < to; t++ {
			z, target := row(logits, t), bits(targets, 0)[t]
			y := float32(math.Inf(-1))
			if int(target) < len(z) {
				y = z[target] - logSumExp(z)
			}
			row(dst, t)[0] = y
		}
	})
}

// logSumExp is ln Σ exp(z).
func logSumExp(z []float32) float32 {
	top := largestOf(z)
	sum := float64(0)
	withScratch(func(s *scratch) {
		for len(z) > 0 {
			part := s.sums[:copy(s.sums[:], z)]
			sum += float64(vector.ExpSum(part, top))
			z = z[len(part):]
		}
	})
	return top + float32(math.Log(sum))
}

// largestOf is the largest of z, which is not empty.
func largestOf(z []float32) float32 {
	top := z[0]
	for _, v := range z {
		if v > top {
			top = v
		}
	}
	return top
}

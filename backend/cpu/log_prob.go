package cpu

import (
	"math"

	"github.com/lrun/lrun/backend"
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
	top := z[0]
	for _, v := range z {
		top = max(top, v)
	}
	sum := float64(0)
	for _, v := range z {
		sum += math.Exp(float64(v - top))
	}
	return top + float32(math.Log(sum))
}

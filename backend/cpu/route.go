package cpu

import (
	"math"

	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/backend/cpu/vector"
)

// Route chooses experts; see backend.Route.
func (o *ops) Route(dst, x backend.Tensor, w *backend.Matrix, a backend.Route) {
	if !o.ready(a.Check(dst, x, w)) {
		return
	}
	parallel(x.Rows, 1, func(from, to int) {
		logits := make([]float32, w.Rows)
		for t := from; t < to; t++ {
			dots(logits, w, 0, padded(x, t))
			choose(bits(dst, t), logits[:a.Experts], a)
			if a.Shared(w) {
				row(dst, t)[2*a.TopK] = sigmoid(logits[a.Experts])
			}
		}
	})
}

// choose writes the TopK experts and their weights to dst; the probabilities replace the logits.
func choose(dst []uint32, logits []float32, a backend.Route) {
	softmax(logits)
	total := float32(0)
	for k := range a.TopK {
		best := 0
		for e, p := range logits {
			if p > logits[best] {
				best = e
			}
		}
		dst[k], dst[a.TopK+k] = uint32(best), math.Float32bits(logits[best])
		total += logits[best]
		logits[best] = -1
	}
	if a.Normalise {
		for k := range a.TopK {
			w := &dst[a.TopK+k]
			*w = math.Float32bits(math.Float32frombits(*w) / total)
		}
	}
}

// softmax turns logits into probabilities.
func softmax(z []float32) {
	sum := vector.ExpSum(z, largestOf(z))
	for i := range z {
		z[i] /= sum
	}
}

package cpu

import (
	"math"
	"slices"

	"github.com/lrun/lrun/backend"
)

// inPrompt is the bit of a count that says that the id occurs in the prompt.
const inPrompt = 1 << 31

// Sample draws a token; see backend.Sample.
func (o *ops) Sample(dst, logits backend.Tensor, a backend.Sample) {
	if !o.ready(a.Check(dst, logits)) {
		return
	}
	raw := row(logits, 0)
	z := append(o.probs[:0], raw...)
	o.probs = z
	var counts []uint32
	if !a.Counts.IsNone() {
		counts = bits(a.Counts, 0)
		penalise(z, counts, a)
	}
	cut := float32(math.Inf(-1))
	if a.Temperature > 0 {
		for i := range z {
			z[i] /= a.Temperature
		}
		cut = o.threshold(z, a)
	}
	id := draw(z, cut, a)
	if counts != nil {
		counts[id]++
	}
	if !a.Next.IsNone() {
		bits(a.Next, 0)[0] = uint32(id)
	}
	bits(dst, 0)[0] = uint32(id)
	row(dst, 0)[1] = raw[id] - logSumExp(raw)
}

// penalise lowers the logits of ids that have occurred.
func penalise(z []float32, counts []uint32, a backend.Sample) {
	for i, c := range counts {
		if c == 0 {
			continue
		}
		if a.Repetition > 0 {
			if z[i] > 0 {
				z[i] /= a.Repetition
			} else {
				z[i] *= a.Repetition
			}
		}
		if n := c &^ inPrompt; n > 0 {
			z[i] -= a.Frequency*float32(n) + a.Presence
		}
	}
}

// threshold is the lowest z that top-k, top-p and min-p keep.
func (o *ops) threshold(z []float32, a backend.Sample) float32 {
	cut := float32(math.Inf(-1))
	topK := a.TopK > 0 && a.TopK < len(z)
	topP := a.TopP > 0 && a.TopP < 1
	if topK || topP {
		order := o.byValue(z)
		if topK {
			cut = z[order[a.TopK-1]]
		}
		if topP {
			cut = max(cut, nucleus(z, order, cut, a.TopP))
		}
	}
	if a.MinP > 0 {
		top := slices.Max(z)
		cut = max(cut, top+float32(math.Log(float64(a.MinP))))
	}
	return cut
}

// byValue are the indices of z, the largest value first.
func (o *ops) byValue(z []float32) []int32 {
	o.order = o.order[:0]
	for i := range z {
		o.order = append(o.order, int32(i))
	}
	slices.SortFunc(o.order, func(i, j int32) int {
		switch {
		case z[i] > z[j]:
			return -1
		case z[i] < z[j]:
			return 1
		}
		return int(i - j)
	})
	return o.order
}

// nucleus is the value at which the mass of the largest, among those not below cut, reaches p.
func nucleus(z []float32, order []int32, cut, p float32) float32 {
	top := z[order[0]]
	total := float32(0)
	for _, i := range order {
		if z[i] < cut {
			break
		}
		total += exp(z[i] - top)
	}
	mass := float32(0)
	for _, i := range order {
		mass += exp(z[i] - top)
		if mass >= p*total {
			return z[i]
		}
	}
	return cut
}

// draw is the arg max of z, with Gumbel noise added at a temperature, among values not below cut.
func draw(z []float32, cut float32, a backend.Sample) int {
	best, at := float32(math.Inf(-1)), 0
	for i, v := range z {
		if v < cut {
			continue
		}
		if a.Temperature > 0 {
			v += gumbel(a.Seed, a.Step, uint32(i))
		}
		if v > best {
			best, at = v, i
		}
	}
	return at
}

// gumbel is −ln(−ln u) for the u in (0, 1) that belongs to (seed, step, id).
func gumbel(seed, step, id uint32) float32 {
	h := hash(id ^ hash(step^hash(seed)))
	u := (float32(h>>9) + 0.5) * (1.0 / (1 << 23))
	return -float32(math.Log(-math.Log(float64(u))))
}

// hash is the output permutation of PCG-RXS-M-XS 32 (O'Neill 2014).
func hash(v uint32) uint32 {
	s := v*747796405 + 2891336453
	w := ((s >> ((s >> 28) + 4)) ^ s) * 277803737
	return (w >> 22) ^ w
}

package positional

import "math"

// ALiBiSlopes are the per-head slopes of ALiBi (arXiv 2108.12409) as BLOOM and Falcon compute them: 2^(−8(h+1)/n) for n
// heads, a power of two; for other counts those of the power below, then every second one of the power above.
func ALiBiSlopes(heads int) []float32 {
	below := 1 << int(math.Log2(float64(heads)))
	slopes := geometric(below, 8)
	above := geometric(2*below, 8)
	for i := 0; len(slopes) < heads; i += 2 {
		slopes = append(slopes, above[i])
	}
	return slopes[:heads]
}

// MPTSlopes are ALiBi's slopes as MPT computes them: those of the power of two above heads, the odd ones first, with
// `alibi_bias_max` in place of 8.
func MPTSlopes(heads int, biasMax float64) []float32 {
	n := 1
	for n < heads {
		n *= 2
	}
	all := geometric(n, biasMax)
	if n == heads {
		return all
	}
	var slopes []float32
	for i := 1; i < n; i += 2 {
		slopes = append(slopes, all[i])
	}
	for i := 0; i < n; i += 2 {
		slopes = append(slopes, all[i])
	}
	return slopes[:heads]
}

// geometric is 2^(−biasMax·(h+1)/n) for h below n.
func geometric(n int, biasMax float64) []float32 {
	slopes := make([]float32, n)
	for h := range slopes {
		slopes[h] = float32(math.Exp2(-biasMax * float64(h+1) / float64(n)))
	}
	return slopes
}

package statespace

import "math"

// SGConv is the first n taps of the kernel of a structured global convolution (SGConv, arXiv 2210.09298) of one channel:
// parts of one width, each but the first two stretched to twice the length of the one before and weaker by multiplier, one
// after another, divided by norm, which checkpoints hold as kernel_norm. scale stretches all parts 2^scale times more.
func SGConv(parts [][]float64, multiplier, norm float64, scale, n int) []float64 {
	kernel := make([]float64, 0, n)
	for i, part := range parts {
		weight := math.Pow(multiplier, float64(len(parts)-1-i)) / norm
		for _, v := range stretched(part, 1<<(max(0, i-1)+scale)) {
			kernel = append(kernel, v*weight)
		}
	}
	if len(kernel) < n {
		return append(kernel, make([]float64, n-len(kernel))...)
	}
	return kernel[:n]
}

// stretched interpolates linearly between the centres of values, which are times apart in what comes of it; before the first
// and behind the last centre it stands still.
func stretched(v []float64, times int) []float64 {
	out := make([]float64, len(v)*times)
	for i := range out {
		at := min(max((float64(i)+0.5)/float64(times)-0.5, 0), float64(len(v)-1))
		left := int(at)
		right := min(left+1, len(v)-1)
		out[i] = v[left] + (at-float64(left))*(v[right]-v[left])
	}
	return out
}

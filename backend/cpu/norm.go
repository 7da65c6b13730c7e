package cpu

import (
	"math"

	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/backend/cpu/vector"
)

// Norm normalises rows; see backend.Norm.
func (o *ops) Norm(dst, x backend.Tensor, n backend.Norm) {
	if !o.ready(n.Check(dst, x)) {
		return
	}
	weight, bias := values(n.Weight), values(n.Bias)
	parallel(dst.Rows, 8, func(from, to int) {
		for t := from; t < to; t++ {
			normalise(row(dst, t), row(x, t), n, weight, bias)
		}
	})
}

// normed is norm(x) in memory of its own, good until the next one, or x where there is no norm.
func (o *ops) normed(x backend.Tensor, n *backend.Norm) backend.Tensor {
	if n == nil {
		return x
	}
	y := backend.Tensor{Buf: &o.norms, Rows: x.Rows, Cols: x.Cols, Stride: backend.Stride(x.Cols)}
	if need := y.Rows * y.Stride; len(o.norms.words) < need {
		o.norms.words = make([]uint32, need)
	}
	clear(o.norms.words[:y.Rows*y.Stride]) // what pads a row
	weight, bias := values(n.Weight), values(n.Bias)
	parallel(x.Rows, 8, func(from, to int) {
		for t := from; t < to; t++ {
			normalise(row(y, t), row(x, t), *n, weight, bias)
		}
	})
	return y
}

// normalise is y = norm(x); weight and bias may be nil. y may be x.
func normalise(y, x []float32, n backend.Norm, weight, bias []float32) {
	mean, scale := statistics(x, n)
	y = y[:len(x)]
	for i, v := range x {
		y[i] = (v - mean) * scale
	}
	if weight != nil {
		weight = weight[:len(y)]
		for i := range y {
			y[i] *= weight[i]
		}
	}
	if bias != nil {
		add(y, bias)
	}
}

// affine is v·weight[i] + bias[i].
func affine(v float32, i int, weight, bias []float32) float32 {
	if weight != nil {
		v *= weight[i]
	}
	if bias != nil {
		v += bias[i]
	}
	return v
}

// statistics are the mean that a norm takes off (0 for RMS) and the factor it multiplies with.
func statistics(x []float32, n backend.Norm) (mean, scale float32) {
	var squares float32
	if n.RMS {
		squares = vector.Dot(x, x)
	} else {
		for _, v := range x {
			mean += v
		}
		mean /= float32(len(x))
		for _, v := range x {
			squares += (v - mean) * (v - mean)
		}
	}
	return mean, float32(1 / math.Sqrt(float64(squares/float32(len(x))+n.Eps)))
}

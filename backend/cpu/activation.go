package cpu

import (
	"math"

	"github.com/lrun/lrun/backend"
)

// activate is the nonlinearity act of x.
func activate(act backend.Activation, x float32) float32 {
	switch act {
	case backend.SiLU:
		return x * sigmoid(x)
	case backend.GELU:
		return float32(0.5 * float64(x) * (1 + math.Erf(float64(x)/math.Sqrt2)))
	case backend.GELUTanh:
		return 0.5 * x * (1 + tanh(0.7978845608028654*(x+0.044715*x*x*x)))
	case backend.QuickGELU:
		return x * sigmoid(1.702*x)
	case backend.ReLU:
		return max(x, 0)
	case backend.ReLU2:
		return max(x, 0) * max(x, 0)
	case backend.Sigmoid:
		return sigmoid(x)
	case backend.Tanh:
		return tanh(x)
	}
	return x
}

// sigmoid keeps exp's argument at or below 80, where f32 does not overflow.
func sigmoid(x float32) float32 { return 1 / (1 + exp(min(-x, 80))) }

// tanh clamps its argument as the shaders must: some GPUs give NaN above 44.
func tanh(x float32) float32 { return float32(math.Tanh(float64(max(-15, min(15, x))))) }

// softplus is ln(1 + eˣ), and x above 20.
func softplus(x float32) float32 {
	if x > 20 {
		return x
	}
	return float32(math.Log1p(math.Exp(float64(x))))
}

func exp(x float32) float32 { return float32(math.Exp(float64(x))) }

// softCap is limit·tanh(x/limit), or x where limit is 0.
func softCap(x, limit float32) float32 {
	if limit <= 0 {
		return x
	}
	return limit * tanh(x/limit)
}

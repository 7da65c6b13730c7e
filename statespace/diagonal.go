package statespace

import (
	"math"
	"math/cmplx"
)

// Diagonal is a linear state space of one channel with a diagonal of poles, discretised: x ← A⊙x + u, y = Re Σ C⊙x.
type Diagonal struct{ A, C []complex128 }

// ZeroOrderHold discretises x' = a⊙x + u, y = 2·Re Σ c⊙x for steps of dt, with an input that stands still within a step
// (S4D, arXiv 2206.11893). a and c are one of each pair of conjugates.
func ZeroOrderHold(a, c []complex128, dt float64) Diagonal {
	return discretised(a, c, func(a complex128) (pole, in complex128) {
		pole = cmplx.Exp(a * complex(dt, 0))
		return pole, (pole - 1) / a
	})
}

// Bilinear is ZeroOrderHold by the bilinear rule.
func Bilinear(a, c []complex128, dt float64) Diagonal {
	h := complex(dt/2, 0)
	return discretised(a, c, func(a complex128) (pole, in complex128) {
		return (1 + h*a) / (1 - h*a), 2 * h / (1 - h*a)
	})
}

// discretised takes what a pole becomes, and what of the input goes to it.
func discretised(a, c []complex128, rule func(a complex128) (pole, in complex128)) Diagonal {
	d := Diagonal{make([]complex128, len(a)), make([]complex128, len(a))}
	for i := range a {
		pole, in := rule(a[i])
		d.A[i], d.C[i] = pole, 2*c[i]*in
	}
	return d
}

// Kernel is the first n taps of the convolution that the state space is: Re Σ C⊙A^l.
func (d Diagonal) Kernel(n int) []float64 {
	kernel := make([]float64, n)
	for i, a := range d.A {
		size, angle := math.Log(cmplx.Abs(a)), cmplx.Phase(a)
		for l := range kernel { // no repeated multiplication, which drifts
			kernel[l] += real(d.C[i] * cmplx.Rect(math.Exp(float64(l)*size), math.Mod(float64(l)*angle, 2*math.Pi)))
		}
	}
	return kernel
}

package statespace

import (
	"math"
	"math/cmplx"
	"math/rand/v2"
	"testing"
)

// near reports values that differ by more than a few units of the last digit given.
func near(t *testing.T, what string, got, want []float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d values, want %d", what, len(got), len(want))
	}
	for i := range want {
		if math.Abs(got[i]-want[i]) > 2e-6 {
			t.Errorf("%s: value %d is %.7f, want %.7f", what, i, got[i], want[i])
		}
	}
}

// Ensure that S4D's kernels are those of its definition, and that the recurrence gives what the convolution gives.
func TestDiagonal(t *testing.T) {
	a, c := []complex128{-0.5, complex(-0.5, math.Pi)}, []complex128{1, 0.5 - 0.5i}
	hold, bilinear := ZeroOrderHold(a, c, 0.1), Bilinear(a, c, 0.1)
	near(t, "zero-order hold", hold.Kernel(6), []float64{0.3061171, 0.3097967, 0.3008220, 0.2804115, 0.2508008, 0.2149307})
	near(t, "bilinear", bilinear.Kernel(4), []float64{0.3050523, 0.3088312, 0.3002410, 0.2804088})
	u, want := []float64{1, -1, 2, 0.5}, []float64{0.606117, -0.296320, 1.203259, 0.902241}
	near(t, "recurrence", recurrence(hold, u, 0.3), want)
	near(t, "convolution", convolution(hold.Kernel(len(u)), u, 0.3), want)
}

// Ensure that far in a text the kernel is still the recurrence's answer to a single input.
func TestKernelDoesNotDrift(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	a, c := make([]complex128, 8), make([]complex128, 8)
	for i := range a {
		a[i], c[i] = complex(-1e-3*r.Float64(), math.Pi*float64(i)), complex(r.NormFloat64(), r.NormFloat64())
	}
	d := ZeroOrderHold(a, c, 0.05)
	u := make([]float64, 20000)
	u[0] = 1
	near(t, "kernel", d.Kernel(len(u)), recurrence(d, u, 0))
}

func recurrence(s Diagonal, u []float64, through float64) []float64 {
	x, y := make([]complex128, len(s.A)), make([]float64, len(u))
	for t, v := range u {
		y[t] = through * v
		for i := range x {
			x[i] = s.A[i]*x[i] + complex(v, 0)
			y[t] += real(s.C[i] * x[i])
		}
	}
	return y
}

func convolution(kernel, u []float64, through float64) []float64 {
	y := make([]float64, len(u))
	for t := range y {
		y[t] = through * u[t]
		for s := range t + 1 {
			y[t] += kernel[s] * u[t-s]
		}
	}
	return y
}

// Ensure that SGConv's kernel is put together of its parts as the definition says, cut and filled up.
func TestSGConv(t *testing.T) {
	parts := [][]float64{{1, 2}, {3, 1}, {4, -4}}
	want := []float64{4, 8, 6, 2, 4, 2, -2, -4}
	near(t, "kernel", SGConv(parts, 2, 1, 0, 8), want)
	near(t, "cut", SGConv(parts, 2, 1, 0, 5), want[:5])
	near(t, "filled up", SGConv(parts, 2, 2, 0, 10), []float64{2, 4, 3, 1, 2, 1, -1, -2, 0, 0})
	norm := 0.0
	for _, v := range want {
		norm += v * v
	}
	near(t, "norm", []float64{math.Sqrt(norm)}, []float64{12.649111})
}

// Ensure that poles of real systems come out within the unit circle.
func TestPolesFade(t *testing.T) {
	for _, d := range []Diagonal{ZeroOrderHold([]complex128{-0.5 + 3i}, []complex128{1}, 0.1), Bilinear([]complex128{-0.5 + 3i}, []complex128{1}, 0.1)} {
		if size := cmplx.Abs(d.A[0]); size >= 1 {
			t.Errorf("a pole of %.3f", size)
		}
	}
}

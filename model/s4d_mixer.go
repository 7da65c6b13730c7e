package model

import (
	"fmt"
	"math"

	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/statespace"
	"github.com/lrun/lrun/weights"
)

// S4D declares a layer of linear state spaces with diagonals of poles, one a channel (S4D, arXiv 2206.11893), whose outputs
// go through GELU, and a gated linear layer.
type S4D struct {
	Prefix   string
	Channels int
	Poles    int    // one of each pair of conjugates
	Out      Weight // rows: gate 0, value 0, gate 1, value 1, …
}

// mostPoles are what the kernels have room for.
const mostPoles = 128

// newS4D declares a layer under state-spaces/s4's names.
func newS4D(prefix string, dim, poles int) *S4D {
	out := linear(prefix+"output_linear.0", 2*dim, dim).biased(true)
	return &S4D{prefix, dim, poles, out.ordered(func(r int) int { return (1-r%2)*dim + r/2 })}
}

// States implements Mixer.
func (a *S4D) States() [][2]int { return [][2]int{{a.Channels, 2 * backend.Pad4(a.Poles)}} }

func (a *S4D) check() error {
	if a.Poles > mostPoles {
		return fmt.Errorf("d_state %d: at most %d is supported", 2*a.Poles, 2*mostPoles)
	}
	return nil
}

func (a *S4D) widths() []int { return []int{a.Channels} }

// s4dMixer is an S4D with its weights.
type s4dMixer struct {
	poles, weights, d backend.Tensor
	out               *backend.Matrix
	outBias           backend.Tensor
}

func (a *S4D) plan(l *loader) mixer {
	m := &s4dMixer{}
	l.table(&m.d, a.Prefix+"D", 1, a.Channels, nil)
	l.matrix(&m.out, a.Out, 2)
	l.bias(&m.outBias, a.Out)
	k := a.Prefix + "kernel."
	n := a.Channels * a.Poles
	p := s4dParameters{
		a.Poles, l.find(k+"log_dt", a.Channels), l.find(k+"log_A_real", n), l.find(k+"A_imag", n), l.find(k+"C", 2*n),
	}
	if l.err == nil {
		cols := 2 * backend.Pad4(a.Poles)
		l.rows(&m.poles, k+"A", a.Channels, cols, func() []float32 { return p.rows(a.Channels, func(d statespace.Diagonal) []complex128 { return d.A }) })
		l.rows(&m.weights, k+"C", a.Channels, cols, func() []float32 { return p.rows(a.Channels, func(d statespace.Diagonal) []complex128 { return d.C }) })
	}
	return m
}

func (m *s4dMixer) run(o backend.Ops, p *passage, y, h backend.Tensor) {
	for _, t := range p.carried {
		o.DiagonalScan(t.rows(p.room[0]), t.rows(h), backend.DiagonalScan{
			A: m.poles, C: m.weights, D: m.d, Act: backend.GELU, From: t.from[0], To: t.to[0],
		})
	}
	o.GateUp(y, p.room[0], m.out, backend.GateUp{Bias: m.outBias, Act: backend.Sigmoid})
}

// s4dParameters are a layer's as they are stored: for each channel ln of the step, for each pole ln of its negative real part,
// its imaginary part, and the real and imaginary part of what it is weighed with.
type s4dParameters struct {
	poles                    int
	logDt, logReal, imag, of *weights.Tensor
}

// rows are the poles, or what they are weighed with, of all channels once discretised, as backend.DiagonalScan takes them.
func (p s4dParameters) rows(channels int, which func(statespace.Diagonal) []complex128) []float32 {
	dt, re, im, c := p.logDt.Float32s(), p.logReal.Float32s(), p.imag.Float32s(), p.of.Float32s()
	padded := backend.Pad4(p.poles)
	all := make([]float32, channels*2*padded)
	for h := range channels {
		a, weighed := make([]complex128, p.poles), make([]complex128, p.poles)
		for i := range a {
			at := h*p.poles + i
			a[i] = complex(-math.Exp(float64(re[at])), float64(im[at]))
			weighed[i] = complex(float64(c[2*at]), float64(c[2*at+1]))
		}
		row := all[h*2*padded:]
		for i, v := range which(statespace.ZeroOrderHold(a, weighed, math.Exp(float64(dt[h])))) {
			row[i], row[padded+i] = float32(real(v)), float32(imag(v))
		}
	}
	return all
}

package cpu

import (
	"math"

	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/backend/cpu/vector"
)

// SSD is Mamba-2's recurrence and lightning attention's; see backend.SSD.
func (o *ops) SSD(dst, x backend.Tensor, a backend.SSD) {
	if !o.ready(a.Check(dst, x)) {
		return
	}
	if a.Insert == 0 {
		a.Insert = 1
	}
	if a.Most == 0 {
		a.Most = math.MaxFloat32
	}
	for r := range a.To.Rows {
		copy(row(a.To, r), row(a.From, r))
	}
	parallel(a.Heads, 1, func(from, to int) {
		for h := from; h < to; h++ {
			for t := range dst.Rows {
				ssdStep(row(dst, t), row(x, t), a, h, ssdDelta(a, t, h))
			}
		}
	})
}

// ssdDelta is Δ of a token and head.
func ssdDelta(a backend.SSD, t, h int) float32 {
	if a.Delta.IsNone() {
		return 1
	}
	v := row(a.Delta, t)[a.DeltaFirst+h]
	if !a.DeltaBias.IsNone() {
		v += row(a.DeltaBias, 0)[h]
	}
	return min(max(softplus(v), a.Least), a.Most)
}

// ssdStep moves head h's state on by a token, x its row, and writes the head's part of y.
func ssdStep(y, x []float32, a backend.SSD, h int, delta float32) {
	width, group := a.Channels(len(y)), h/(a.Heads/a.Groups)
	b := x[len(y)+group*a.State:][:a.State]
	c := x[len(y)+(a.Groups+group)*a.State:][:a.State]
	keep, lose := fade(delta*row(a.A, 0)[h] + a.Retain)
	skip := float32(0)
	if !a.D.IsNone() {
		skip = row(a.D, 0)[h]
	}
	for i := h * width; i < (h+1)*width; i++ {
		s := row(a.To, i)
		in := a.Insert * delta * x[i]
		for n, v := range b {
			s[n] = keep*s[n] + (in*v - lose*s[n])
		}
		y[i] = vector.Dot(s, c) + skip*x[i]
	}
}

// fade is eᶻ as a factor and what is to be subtracted: v·eᶻ = v·keep − v·lose. A factor next to 1 is rounded by as much as a
// slow decay differs from 1, and over many tokens that adds up; what is lost is exact.
func fade(z float32) (keep, lose float32) {
	if z > -0.25 {
		return 1, float32(-math.Expm1(float64(z)))
	}
	return exp(z), 0
}

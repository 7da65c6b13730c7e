package cpu

import (
	"math"

	"github.com/lrun/lrun/backend"
)

// StateWindow has states forget what they were; see backend.StateWindow.
func (o *ops) StateWindow(state backend.Tensor, a backend.StateWindow) {
	if !o.ready(a.Check(state)) {
		return
	}
	d := a.Decays
	if d.Most == 0 {
		d.Most = math.MaxFloat32
	}
	width := state.Rows / d.Heads
	parallel(d.Heads, 1, func(first, end int) {
		for h := first; h < end; h++ {
			fade := row(a.FadeFrom, 0)[h]
			for t := range d.Delta.Rows {
				fade += ssdDelta(d, t, h)*row(d.A, 0)[h] + d.Retain
			}
			if row(a.FadeTo, 0)[h] = fade; a.Forget {
				row(a.FadeTo, 0)[h] = 0
			}
			for r := h * width; r < (h+1)*width; r++ {
				s, from, to := row(state, r), row(a.From, r), row(a.To, r)
				if a.Forget {
					subtract(s, from, exp(fade))
					from = s
				}
				copy(to, from)
			}
		}
	})
}

// subtract is s − scale·v, in place.
func subtract(s, v []float32, scale float32) {
	for i := range s {
		s[i] -= scale * v[i]
	}
}

package model

import (
	"fmt"
	"math"

	"github.com/lrun/lrun/backend"
)

// Lightning declares linear attention with a constant decay of each head (lightning attention, arXiv 2401.04658).
type Lightning struct {
	Heads, HeadDim int
	QKV            Weight // rows: values, keys, queries, all heads of each
	Act            backend.Activation
	Slopes         []float32 // a head's state decays by e^−slope a token
	Norm           Norm      // over all heads together
	Gate           Weight    // multiplies what is normed
	GateAct        backend.Activation
	Out            Weight
}

// width is that of all heads together.
func (a *Lightning) width() int { return a.Heads * a.HeadDim }

// States implements Mixer.
func (a *Lightning) States() [][2]int { return [][2]int{{a.width(), a.HeadDim}} }

// What a lightning layer fills on the way.
const (
	lightningQKV = iota
	lightningGate
	lightningOut
	lightningNormed
)

func (a *Lightning) check() error {
	if a.width() > largest {
		return fmt.Errorf("%d heads of %d channels are too many", a.Heads, a.HeadDim)
	}
	return nil
}

func (a *Lightning) widths() []int {
	return []int{lightningQKV: 3 * a.width(), lightningGate: a.width(), lightningOut: a.width(), lightningNormed: a.width()}
}

// lightningMixer is a Lightning with its weights.
type lightningMixer struct {
	spec            *Lightning
	qkv, gate, out  *backend.Matrix
	bias            backend.Tensor // of qkv; the others have theirs
	gateBias, oBias backend.Tensor
	decays          backend.Tensor
	norm            backend.Norm
}

func (a *Lightning) plan(l *loader) mixer {
	m := &lightningMixer{spec: a}
	l.linear(&m.qkv, &m.bias, a.QKV)
	l.linear(&m.gate, &m.gateBias, a.Gate)
	l.linear(&m.out, &m.oBias, a.Out)
	decays := make([]float32, a.Heads)
	for h, slope := range a.Slopes {
		decays[h] = -slope
	}
	l.values(&m.decays, "decays", decays)
	l.normInto(&m.norm, a.Norm, a.width())
	return m
}

func (m *lightningMixer) run(o backend.Ops, p *passage, y, h backend.Tensor) {
	a, r := m.spec, p.room
	o.Linear(r[lightningQKV], h, m.qkv, backend.Linear{Bias: m.bias, Act: a.Act})
	o.Linear(r[lightningGate], h, m.gate, backend.Linear{Bias: m.gateBias})
	for _, t := range p.carried {
		o.SSD(t.rows(r[lightningOut]), t.rows(r[lightningQKV]), backend.SSD{
			Heads: a.Heads, Groups: a.Heads, State: a.HeadDim, A: m.decays, From: t.from[0], To: t.to[0],
		})
	}
	o.PartNorm(r[lightningNormed], r[lightningOut], backend.PartNorm{
		Eps: m.norm.Eps, Part: a.width(), Weight: m.norm.Weight, Gate: r[lightningGate], Act: a.GateAct,
	})
	o.Linear(y, r[lightningNormed], m.out, backend.Linear{Bias: m.oBias})
}

// lightningSlopes are those of ALiBi for a power of two of heads, weakened from layer to layer: the last one hardly forgets.
func lightningSlopes(heads, layer, layers int) []float32 {
	slopes := make([]float32, heads)
	share := 1 - float64(layer)/(float64(layers-1)+1e-5) + 1e-5
	for h := range slopes {
		slopes[h] = float32(math.Pow(2, -8*float64(h+1)/float64(heads)) * share)
	}
	return slopes
}

// valuesFirst orders a projection stored as [head][q, k, v][headDim] into values, keys, queries.
func valuesFirst(heads, headDim int) func(int) int {
	order := perHead(heads, headDim)
	all := heads * headDim
	return func(r int) int { return order((2-r/all)*all + r%all) }
}

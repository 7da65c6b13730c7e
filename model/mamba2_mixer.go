package model

import (
	"fmt"
	"math"

	"github.com/lrun/lrun/backend"
)

// Mamba2 declares a layer of state space duality (Mamba-2, arXiv 2405.21060).
type Mamba2 struct {
	Heads, HeadDim, Groups, State int
	In                            Weight // rows: gates [Inner], inputs [Inner], B and C [Groups][State] each, δ [Heads]
	Conv                          ShortConv
	Out                           Weight
	Act                           backend.Activation
	Least, Most                   float64 // of δ
	Prefix                        string  // of A_log, D and dt_bias
	Norm                          Norm    // of what is gated
	NormParts                     int     // that it runs over, each by itself
	Mitigation                    Mitigation
}

// Inner is the width of the layer's inside.
func (a *Mamba2) Inner() int { return a.Heads * a.HeadDim }

// wide is the width of what is convolved: inputs, B and C.
func (a *Mamba2) wide() int { return a.Inner() + 2*a.Groups*a.State }

// States implements Mixer.
func (a *Mamba2) States() [][2]int {
	states := [][2]int{a.Conv.state(), {a.Inner(), a.State}}
	if a.Mitigation.Reference > 0 {
		states = append(states, [2]int{1, a.Heads}) // the norms that bound
	}
	if a.Mitigation.Window > 0 {
		states = append(states, [2]int{a.Inner(), a.State}, [2]int{1, a.Heads}) // the state at the window's mark, and what is left of it
	}
	return states
}

// What a Mamba-2 layer fills on the way.
const (
	mamba2In = iota
	mamba2Conv
	mamba2Out
	mamba2Normed
)

func (a *Mamba2) check() error {
	if a.Heads%a.Groups != 0 || a.Inner()%a.NormParts != 0 {
		return fmt.Errorf("%d heads of %d channels are not a multiple of %d groups", a.Heads, a.HeadDim, a.Groups)
	}
	return a.Conv.check()
}

func (a *Mamba2) widths() []int {
	return []int{mamba2In: a.Inner() + a.wide() + a.Heads, mamba2Conv: a.wide(), mamba2Out: a.Inner(), mamba2Normed: a.Inner()}
}

// mamba2Mixer is a Mamba2 with its weights.
type mamba2Mixer struct {
	spec            *Mamba2
	conv            *shortConv
	in, out         *backend.Matrix
	inBias, outBias backend.Tensor
	a, d, dtBias    backend.Tensor
	norm            backend.Tensor
}

func (a *Mamba2) plan(l *loader) mixer {
	m := &mamba2Mixer{spec: a, conv: a.Conv.plan(l)}
	l.linear(&m.in, &m.inBias, a.In)
	l.linear(&m.out, &m.outBias, a.Out)
	l.table(&m.a, a.Prefix+"A_log", 1, a.Heads, decays)
	l.table(&m.d, a.Prefix+"D", 1, a.Heads, nil)
	l.table(&m.dtBias, a.Prefix+"dt_bias", 1, a.Heads, nil)
	l.table(&m.norm, a.Norm.Name+".weight", 1, a.Inner(), nil)
	return m
}

func (m *mamba2Mixer) run(o backend.Ops, p *passage, y, h backend.Tensor) {
	a, r, inner := m.spec, p.room, m.spec.Inner()
	o.Linear(r[mamba2In], h, m.in, backend.Linear{Bias: m.inBias})
	m.conv.run(o, r[mamba2Conv], r[mamba2In], inner, p)
	for _, t := range p.carried {
		ssd := backend.SSD{
			Heads: a.Heads, Groups: a.Groups, State: a.State,
			Delta: t.rows(r[mamba2In]), DeltaFirst: inner + a.wide(), DeltaBias: m.dtBias, Least: float32(a.Least), Most: float32(a.Most),
			A: m.a, D: m.d, Retain: a.Mitigation.retain(), Insert: float32(a.Mitigation.Insert), From: t.from[1], To: t.to[1],
		}
		o.SSD(t.rows(r[mamba2Out]), t.rows(r[mamba2Conv]), ssd)
		m.mitigate(o, t, ssd)
	}
	o.PartNorm(r[mamba2Normed], r[mamba2Out], backend.PartNorm{
		Eps: float32(a.Norm.Eps), Part: inner / a.NormParts, Weight: m.norm, Gate: r[mamba2In], Act: a.Act, Before: true,
	})
	o.Linear(y, r[mamba2Normed], m.out, backend.Linear{Bias: m.outBias})
}

// mitigate keeps the state from collapsing; see Mitigation.
func (m *mamba2Mixer) mitigate(o backend.Ops, t carried, ssd backend.SSD) {
	end := t.at + t.n
	if r := m.spec.Mitigation.Window; r > 0 {
		o.StateWindow(t.to[1], backend.StateWindow{
			Decays: ssd, Forget: end%r == 0, From: t.from[2], To: t.to[2], FadeFrom: t.from[3], FadeTo: t.to[3],
		})
	}
	if reference := m.spec.Mitigation.Reference; reference > 0 {
		phase := backend.KeepNorms
		switch {
		case end == reference:
			phase = backend.LearnNorms
		case end > reference && end%normEvery == 0:
			phase = backend.BoundNorms
		}
		o.StateNorm(t.to[1], backend.StateNorm{Heads: m.spec.Heads, Phase: phase, From: t.from[2], To: t.to[2]})
	}
}

// mamba2Of is a layer of some sizes in a model of width dim, with all that follows from them.
func mamba2Of(prefix string, dim int, a Mamba2) *Mamba2 {
	a.Prefix, a.NormParts = prefix, max(1, a.NormParts)
	a.In = linear(prefix+"in_proj", a.Inner()+a.wide()+a.Heads, dim)
	a.Out = linear(prefix+"out_proj", dim, a.Inner())
	a.Norm.Kind, a.Norm.Name = RMSNorm, prefix+"norm"
	a.Conv.Name, a.Conv.Channels, a.Conv.Act = prefix+"conv1d", a.wide(), a.Act
	if a.Most == 0 {
		a.Most = math.MaxFloat32
	}
	return &a
}

// biased gives the projections in and out a bias.
func (a *Mamba2) biased(bias bool) *Mamba2 {
	a.In.Bias, a.Out.Bias = bias, bias
	return a
}

// stepLimit is time_step_limit: the least and the largest δ.
func (c *Config) stepLimit() (least, most float64) {
	limit := []float64{0, math.MaxFloat32}
	if read(c, "time_step_limit", "two numbers", &limit) && len(limit) != 2 {
		c.fail("time_step_limit", "is a list of %d numbers, want two", len(limit))
		return 0, math.MaxFloat32
	}
	return limit[0], min(limit[1], math.MaxFloat32)
}

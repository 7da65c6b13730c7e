package model

import (
	"math"

	"github.com/lrun/lrun/backend"
)

// Mamba declares a selective state space layer (Mamba, arXiv 2312.00752).
type Mamba struct {
	Inner, State, Rank int
	In                 Weight // rows: Inner inputs, Inner gates
	Conv               ShortConv
	X                  Weight // rows: δ [Rank], B [State], C [State]
	Delta              Weight // [Inner][Rank]
	Out                Weight
	Act                backend.Activation
	Prefix             string // of A_log and D
	Norm               Norm   // of δ, B and C, each by itself (Falcon-Mamba, Jamba)
	NormNames          []string
}

// States implements Mixer.
func (a *Mamba) States() [][2]int { return [][2]int{a.Conv.state(), {a.State, a.Inner}} }

// What a Mamba layer fills on the way.
const (
	mambaIn = iota
	mambaConv
	mambaX
	mambaNormed
	mambaDelta
	mambaOut
)

func (a *Mamba) check() error { return a.Conv.check() }

func (a *Mamba) widths() []int {
	x := a.Rank + 2*a.State
	return []int{mambaIn: 2 * a.Inner, mambaConv: a.Inner, mambaX: x, mambaNormed: x, mambaDelta: a.Inner, mambaOut: a.Inner}
}

// mambaMixer is a Mamba with its weights.
type mambaMixer struct {
	spec           *Mamba
	conv           *shortConv
	in, x, dt, out *backend.Matrix
	inBias, dtBias backend.Tensor
	outBias        backend.Tensor
	ad             backend.Tensor // rows: A of each state, D
	norm           backend.Tensor // or none
}

func (a *Mamba) plan(l *loader) mixer {
	m := &mambaMixer{spec: a, conv: a.Conv.plan(l)}
	l.linear(&m.in, &m.inBias, a.In)
	l.matrix(&m.x, a.X, 1)
	l.linear(&m.dt, &m.dtBias, a.Delta)
	l.linear(&m.out, &m.outBias, a.Out)
	l.scan(&m.ad, a.Prefix+"A_log", a.Prefix+"D", a.Inner, a.State)
	if a.NormNames != nil {
		l.join(&m.norm, a.NormNames, []int{a.Rank, a.State, a.State}, func([]float32) {})
	}
	return m
}

// scan plans the rows of A, a state each, and of D, as backend.SelectiveScan has them.
func (l *loader) scan(dst *backend.Tensor, aLog, d string, inner, state int) {
	a, one := l.find(aLog, inner, state), l.find(d, inner)
	if a != nil && one != nil {
		l.rows(dst, aLog, state+1, inner, func() []float32 {
			return append(transposed(decays(a.Float32s()), inner, state), one.Float32s()...)
		})
	}
}

// decays are −e^v, in place.
func decays(v []float32) []float32 {
	for i := range v {
		v[i] = float32(-math.Exp(float64(v[i])))
	}
	return v
}

func (m *mambaMixer) run(o backend.Ops, p *passage, y, h backend.Tensor) {
	a, r := m.spec, p.room
	o.Linear(r[mambaIn], h, m.in, backend.Linear{Bias: m.inBias})
	m.conv.run(o, r[mambaConv], r[mambaIn], 0, p)
	x := r[mambaX]
	o.Linear(x, r[mambaConv], m.x, backend.Linear{})
	if a.Norm.Kind != NoNorm {
		x = r[mambaNormed]
		o.PartNorm(x, r[mambaX], backend.PartNorm{Eps: float32(a.Norm.Eps), Lead: a.Rank, Part: a.State, Weight: m.norm})
	}
	o.Linear(r[mambaDelta], cut(x, a.Rank), m.dt, backend.Linear{Bias: m.dtBias})
	for _, t := range p.carried {
		o.SelectiveScan(t.rows(r[mambaOut]), t.rows(r[mambaConv]), backend.SelectiveScan{
			Delta: t.rows(r[mambaDelta]), BC: t.rows(x), First: a.Rank, AD: m.ad,
			Gate: t.rows(r[mambaIn]), GateFirst: a.Inner, Act: a.Act, From: t.from[1], To: t.to[1],
		})
	}
	o.Linear(y, r[mambaOut], m.out, backend.Linear{Bias: m.outBias})
}

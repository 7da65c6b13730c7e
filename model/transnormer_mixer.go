package model

import (
	"fmt"
	"math"

	"github.com/lrun/lrun/backend"
)

// NormLinear declares TransNormerLLM's linear attention (arXiv 2307.14995): lightning attention whose result is normed over
// all heads, without weights, and multiplied by a gate without an activation.
type NormLinear struct {
	Heads, HeadDim int
	KQ             Weight // rows: keys, queries, all heads of each; where there is Theta, each head twice
	VU             Weight // rows: values, gates
	Act            backend.Activation
	Slopes         []float32
	Eps            float64
	Out            Weight

	// Theta names f32 [heads·headDim], the angles by which keys and queries turn from position to position: their channels
	// become x·cos and x·sin of it (LRPE, linearised relative positions). "": they do not.
	Theta string
}

func (a *NormLinear) width() int { return a.Heads * a.HeadDim }

// features are those of a head's keys.
func (a *NormLinear) features() int { return a.KQ.Rows() / (2 * a.Heads) }

// States implements Mixer.
func (a *NormLinear) States() [][2]int { return [][2]int{{a.width(), a.features()}} }

// What the layer fills on the way; the last three only where keys turn.
const (
	normLinearKQ = iota
	normLinearVU
	normLinearAll
	normLinearOut
	normLinearNormed
	normLinearAngles
	normLinearBeside
	normLinearTurned
)

func (a *NormLinear) widths() []int {
	w, kq := a.width(), a.KQ.Rows()
	all := []int{normLinearKQ: kq, normLinearVU: 2 * w, normLinearAll: w + kq, normLinearOut: w, normLinearNormed: w}
	if a.Theta == "" {
		return all
	}
	return append(all, kq, 2*kq, kq)
}

func (a *NormLinear) check() error {
	if a.width() > largest {
		return fmt.Errorf("%d heads of %d channels are too many", a.Heads, a.HeadDim)
	}
	return nil
}

// normLinearMixer is a NormLinear with its weights.
type normLinearMixer struct {
	spec                   *NormLinear
	kq, vu, out            *backend.Matrix
	kqBias, vuBias, toBias backend.Tensor
	decays                 backend.Tensor
	theta                  []float32 // or nil
	words                  []uint32  // angles on their way
}

func (a *NormLinear) plan(l *loader) mixer {
	m := &normLinearMixer{spec: a}
	l.linear(&m.kq, &m.kqBias, a.KQ)
	l.linear(&m.vu, &m.vuBias, a.VU)
	l.linear(&m.out, &m.toBias, a.Out)
	decays := make([]float32, a.Heads)
	for h, slope := range a.Slopes {
		decays[h] = -slope
	}
	l.values(&m.decays, "decays", decays)
	if a.Theta != "" {
		if t := l.find(a.Theta, a.width()); t != nil {
			m.theta = t.Float32s()
		}
	}
	return m
}

func (m *normLinearMixer) run(o backend.Ops, p *passage, y, h backend.Tensor) {
	a, r := m.spec, p.room
	o.Linear(r[normLinearKQ], h, m.kq, backend.Linear{Bias: m.kqBias, Act: a.Act})
	o.Linear(r[normLinearVU], h, m.vu, backend.Linear{Bias: m.vuBias})
	kq := r[normLinearKQ]
	if m.theta != nil {
		kq = m.turn(o, p)
	}
	o.Join(r[normLinearAll], cut(r[normLinearVU], a.width()), kq)
	for _, t := range p.carried {
		o.SSD(t.rows(r[normLinearOut]), t.rows(r[normLinearAll]), backend.SSD{
			Heads: a.Heads, Groups: a.Heads, State: a.features(), A: m.decays, From: t.from[0], To: t.to[0],
		})
	}
	o.PartNorm(r[normLinearNormed], r[normLinearOut], backend.PartNorm{
		Eps: float32(a.Eps), Part: a.width(), Gate: r[normLinearVU], GateFirst: a.width(), Act: backend.Identity,
	})
	o.Linear(y, r[normLinearNormed], m.out, backend.Linear{Bias: m.toBias})
}

// turn multiplies keys and queries by the cosines and sines of their positions.
func (m *normLinearMixer) turn(o backend.Ops, p *passage) backend.Tensor {
	r := p.room
	m.words = m.words[:0]
	for _, t := range p.carried {
		for at := t.at; at < t.at+t.n; at++ {
			m.angles(at)
		}
	}
	o.Write(r[normLinearAngles], m.words)
	o.Join(r[normLinearBeside], r[normLinearKQ], r[normLinearAngles])
	o.Gate(r[normLinearTurned], r[normLinearBeside], backend.Identity)
	return r[normLinearTurned]
}

// angles appends those of the token at a position.
func (m *normLinearMixer) angles(position int) {
	at := len(m.words)
	for h := 0; h < len(m.theta); h += m.spec.HeadDim {
		for _, turn := range []func(float64) float64{math.Cos, math.Sin} {
			for _, theta := range m.theta[h:][:m.spec.HeadDim] {
				m.words = append(m.words, math.Float32bits(float32(turn(float64(theta)*float64(position)))))
			}
		}
	}
	m.words = append(m.words, m.words[at:]...) // keys and queries alike
}

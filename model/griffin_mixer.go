package model

import "github.com/lrun/lrun/backend"

// Griffin declares a layer of a gated linear recurrence (Griffin, arXiv 2402.19427).
type Griffin struct {
	Width  int
	Gate   Weight // [Width][dim], through Act
	In     Weight // [Width][dim]
	Conv   ShortConv
	Gates  Weight // of the recurrence, in Blocks blocks; rows: of the input [Width], of what is remembered [Width]
	Lambda string // f32 [Width]: how slowly each channel forgets
	Out    Weight
	Act    backend.Activation
}

// States implements Mixer.
func (a *Griffin) States() [][2]int { return [][2]int{a.Conv.state(), {1, a.Width}} }

// What a Griffin layer fills on the way.
const (
	griffinGate = iota
	griffinIn
	griffinConv
	griffinGates
	griffinOut
)

func (a *Griffin) widths() []int {
	return []int{griffinGate: a.Width, griffinIn: a.Width, griffinConv: a.Width, griffinGates: 2 * a.Width, griffinOut: a.Width}
}

// griffinMixer is a Griffin with its weights.
type griffinMixer struct {
	spec                *Griffin
	conv                *shortConv
	gate, in, gates, to *backend.Matrix
	gateBias, inBias    backend.Tensor
	gatesBias, toBias   backend.Tensor
	lambda              backend.Tensor
}

func (a *Griffin) plan(l *loader) mixer {
	m := &griffinMixer{spec: a, conv: a.Conv.plan(l)}
	l.linear(&m.gate, &m.gateBias, a.Gate)
	l.linear(&m.in, &m.inBias, a.In)
	l.linear(&m.gates, &m.gatesBias, a.Gates)
	l.linear(&m.to, &m.toBias, a.Out)
	l.table(&m.lambda, a.Lambda, 1, a.Width, nil)
	return m
}

func (m *griffinMixer) run(o backend.Ops, p *passage, y, h backend.Tensor) {
	a, r := m.spec, p.room
	o.Linear(r[griffinGate], h, m.gate, backend.Linear{Bias: m.gateBias})
	o.Linear(r[griffinIn], h, m.in, backend.Linear{Bias: m.inBias})
	m.conv.run(o, r[griffinConv], r[griffinIn], 0, p)
	o.Linear(r[griffinGates], r[griffinConv], m.gates, backend.Linear{Bias: m.gatesBias, Blocks: a.Gates.Blocks})
	o.RGLRU(r[griffinOut], r[griffinConv], backend.RGLRU{
		Gates: r[griffinGates], RecurrenceFirst: a.Width, Lambda: m.lambda, Start: p.start,
		Mul: r[griffinGate], Act: a.Act, From: p.from[1], To: p.to[1],
	})
	o.Linear(y, r[griffinOut], m.to, backend.Linear{Bias: m.toBias})
}

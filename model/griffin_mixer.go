package model

import (
	"fmt"
	"slices"

	"github.com/lrun/lrun/backend"
)

// Griffin declares a layer of a gated linear recurrence (Griffin, arXiv 2402.19427).
type Griffin struct {
	Width  int
	Gate   Weight // [Width][dim], through Act
	In     Weight // [Width][dim]
	Conv   ShortConv
	Input  Weight // in blocks: how much of the input counts
	Recall Weight // in blocks: how much is remembered
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
	griffinInput
	griffinRecall
	griffinOut
)

func (a *Griffin) check() error {
	if a.Input.Cols%4 != 0 {
		return fmt.Errorf("lru_width %d in %d blocks: want blocks of a multiple of 4", a.Width, a.Input.Blocks)
	}
	return a.Conv.check()
}

func (a *Griffin) widths() []int {
	return slices.Repeat([]int{a.Width}, griffinOut+1)
}

// griffinMixer is a Griffin with its weights.
type griffinMixer struct {
	spec                                             *Griffin
	conv                                             *shortConv
	gate, in, input, recall, out                     *backend.Matrix
	gateBias, inBias, inputBias, recallBias, outBias backend.Tensor
	lambda                                           backend.Tensor
}

func (a *Griffin) plan(l *loader) mixer {
	m := &griffinMixer{spec: a, conv: a.Conv.plan(l)}
	l.linear(&m.gate, &m.gateBias, a.Gate)
	l.linear(&m.in, &m.inBias, a.In)
	l.linear(&m.input, &m.inputBias, a.Input)
	l.linear(&m.recall, &m.recallBias, a.Recall)
	l.linear(&m.out, &m.outBias, a.Out)
	l.table(&m.lambda, a.Lambda, 1, a.Width, nil)
	return m
}

func (m *griffinMixer) run(o backend.Ops, p *passage, y, h backend.Tensor) {
	a, r := m.spec, p.room
	o.Linear(r[griffinGate], h, m.gate, backend.Linear{Bias: m.gateBias})
	o.Linear(r[griffinIn], h, m.in, backend.Linear{Bias: m.inBias})
	m.conv.run(o, r[griffinConv], r[griffinIn], 0, p)
	o.Linear(r[griffinInput], r[griffinConv], m.input, backend.Linear{Bias: m.inputBias, Blocks: a.Input.Blocks})
	o.Linear(r[griffinRecall], r[griffinConv], m.recall, backend.Linear{Bias: m.recallBias, Blocks: a.Recall.Blocks})
	for _, t := range p.carried {
		o.RGLRU(t.rows(r[griffinOut]), t.rows(r[griffinConv]), backend.RGLRU{
			Input: t.rows(r[griffinInput]), Recurrence: t.rows(r[griffinRecall]), Lambda: m.lambda, Start: t.at == 0,
			Mul: t.rows(r[griffinGate]), Act: a.Act, From: t.from[1], To: t.to[1],
		})
	}
	o.Linear(y, r[griffinOut], m.out, backend.Linear{Bias: m.outBias})
}

package model

import (
	"context"

	"github.com/lrun/lrun/backend"
)

// rehearse has the backend compile what steps to come need, while the weights are on their way: those of single tokens, and of
// prompts, since kernels differ by how many tokens there are. It takes the steps themselves, so that there is no list of
// kernels to keep. What only long texts need is compiled when they need it.
func (m *Model) rehearse() error {
	p, ok := m.b.(backend.Preparer)
	if !ok {
		return nil
	}
	b := m.b
	m.b = rehearsal{b, p}
	defer func() { m.b = b }()
	most := min(m.chunk, m.Spec.Context)
	past := most - 1 // of a token, so that attention is as in a text of some length
	if !m.Together() {
		past = 0 // it might wait for what it looks up
	}
	if err := m.rehearseStep(past, 1); err != nil {
		return err
	}
	for n := min(4, most); ; n = min(4*n, most) {
		if err := m.rehearseStep(0, n); err != nil || n == most {
			return err
		}
	}
}

// rehearseStep takes a step of n tokens after past others, and draws one.
func (m *Model) rehearseStep(past, n int) error {
	seq, err := m.NewSequence()
	if err != nil {
		return err
	}
	defer m.Release(seq)
	if past > 0 {
		if err := seq.Extend(seq.Step(past)); err != nil {
			return err
		}
	}
	drawn := cut(m.scratch.h2.Slice(0, 1), 2)
	return m.Forward(context.Background(), seq, Input{IDs: make([]int32, seq.Step(n)), Rows: LastRow}, draw(drawn))
}

// draw is a sink that draws a token, as a generation does.
type draw backend.Tensor

func (d draw) Logits(o backend.Ops, _ int, logits backend.Tensor) {
	o.Sample(backend.Tensor(d), logits.Slice(logits.Rows-1, 1), backend.Sample{})
}

// rehearsal is a backend whose steps do not run.
type rehearsal struct {
	backend.Backend
	backend.Preparer
}

func (r rehearsal) Do(record func(backend.Ops)) error { return r.Prepare(record) }

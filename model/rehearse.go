package model

import (
	"context"

	"github.com/lrun/lrun/backend"
)

// rehearse has the backend compile what steps to come need, while the weights are on their way: a short prompt's, a whole
// chunk's, and those of a token after as many as a chunk has. It takes the steps themselves, so that there is no list of kernels
// to keep. What prompts of other lengths and long texts need besides is compiled when they come.
func (m *Model) rehearse() error {
	p, ok := m.b.(backend.Preparer)
	if !ok {
		return nil
	}
	b := m.b
	m.b = rehearsal{b, p}
	defer func() { m.b = b }()
	most := min(m.chunk, m.Spec.Context)
	past := most - 1
	if !m.Together() {
		past = 0 // after others the token might wait for what it looks up
	}
	for _, step := range []struct{ past, n int }{{0, min(16, most)}, {past, 1}, {0, most}} {
		if err := m.rehearseStep(step.past, step.n); err != nil {
			return err
		}
	}
	return nil
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

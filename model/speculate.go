package model

import (
	"errors"

	"github.com/lrun/lrun/memory"
)

// Speculates says why tokens of an answer cannot be read several at a time, and the last of them be taken back, with the results
// that they have one by one; nil where they can.
func (m *Model) Speculates() error {
	if m.policy.Alone() {
		return errors.New("tokens cannot be guessed ahead with a memory that looks up what each of them does not see; use another")
	}
	if _, ok := m.policy.(memory.SirLLM); ok {
		return errors.New("tokens cannot be guessed ahead with sirllm, which would keep wrong ones; use another memory")
	}
	return nil
}

// Alike is how many of n tokens, at least one, can be read next in a step with the logits that they have one at a time: those
// for which no rope changes, and of which no step needs to end.
func (m *Model) Alike(seq *Sequence, n int) int {
	n = seq.Step(min(n, m.chunk, m.rows))
	first := seq.Len() + 1
	for ; n > 1; n-- {
		if m.settled(first, seq.Len()+n) {
			break
		}
	}
	return n
}

// settled reports whether ropes are the same for texts of two lengths.
func (m *Model) settled(a, b int) bool {
	for _, r := range m.Spec.Ropes() {
		if !r.Same(m.policy.Span(a), a, m.policy.Span(b), b) {
			return false
		}
	}
	return true
}

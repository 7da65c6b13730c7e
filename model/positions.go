package model

import (
	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/memory"
	"github.com/lrun/lrun/positional"
)

// Sequence is the cache of one session; its methods tell its length and what of it is held.
type Sequence struct {
	*memory.Sequence
	stages    []int // how the cached keys are turned, for each rope of the scratch: see positional.Rope.Stage
	turned    bool  // some were turned anew in the last step
	given     bool  // the last tokens were a prompt's
	departing []departure
	surprise  *surprise // nil where the policy does not ask
	work      Work
	traced    bool   // the looks of each step are kept
	looks     []Look // of the last step, by layer
	stepEnd   int    // see Spec.StepEnd
}

// Step is how many of n tokens may be read next in one step.
func (s *Sequence) Step(n int) int {
	n = s.Sequence.Step(n)
	if s.stepEnd > 0 {
		n = min(n, s.stepEnd-s.Len()%s.stepEnd)
	}
	return n
}

// rotary is one of the network's ropes and what a step uploads for it.
type rotary struct {
	*positional.Rope
	angles backend.Tensor // [blocks·chunk][rotary]: keys, queries where they are apart, queries at the far distance
	turns  backend.Tensor // [turnedChunks·chunk][rotary]: of keys that are turned anew
}

// newRotary makes the tensors of a rope for chunks of so many tokens.
func (c *scratch) newRotary(r *positional.Rope, chunk, sets int) *rotary {
	return &rotary{r, c.tensor((sets+1)*chunk, r.Rotary()), c.tensor(turnedChunks*chunk, r.Rotary())}
}

// turnedChunks is how many chunks of cached keys are turned anew with one upload of angles.
const turnedChunks = 4

// positions sends what the step's tokens need to be told apart: slots in the cache, rows of the position table, angles of
// every rope. length is that of the whole text, as far as it is known.
func (m *Model) positions(o backend.Ops, seq *Sequence, st *step, length int) {
	s := m.scratch
	first := seq.Places() - st.n
	s.words = seq.Slots(s.words[:0], first, seq.Places())
	o.Write(st.cols(s.slots), s.words)
	if m.net.positions != nil {
		s.words = s.words[:0]
		for i := range st.n {
			s.words = append(s.words, uint32(first+i+m.Spec.Embedding.PosOffset))
		}
		o.Write(st.cols(s.pos), s.words)
	}
	for i, r := range s.ropes {
		m.turn(o, seq, i, r.Stage(length, seq.Len()), first)
		s.words = r.write(s.words[:0], m.policy, st, first, seq.stages[i], length)
		o.Write(st.blocks(r), s.words)
	}
	if st.recall.K > 0 {
		s.words = m.pool.RecalledSlots(s.words[:0], st.recall.K)
		o.Write(cut(s.recalled, st.recall.K), s.words)
	}
	if st.raw = seq.Raw(first); st.raw > 0 {
		s.words = seq.RawSlots(s.words[:0], first, first+st.raw)
		o.Write(cut(s.rawSlots, st.raw), s.words)
		for i, r := range s.ropes {
			s.words = r.Shift(s.words[:0], first, first+st.raw, seq.stages[i], positional.Raw)
			o.Write(r.turns.Slice(0, st.raw), s.words)
		}
	}
}

// write appends a step's rows of angles: of the keys, of the queries where they turn otherwise, and of each further set of
// queries.
func (r *rotary) write(words []uint32, p memory.Policy, st *step, first, stage, length int) []uint32 {
	for i := range st.n {
		words = r.Keys(words, first+i, stage)
	}
	if r.Apart() {
		for i := range st.n {
			words = r.Queries(words, first+i, stage, length)
		}
	}
	for set := 1; set < st.sets; set++ {
		for i := range st.n {
			words = r.Queries(words, p.Turn(set, first+i), stage, length)
		}
	}
	return words
}

// turn turns the cached keys of rope number i anew, those before position n, when the text has come to a length at which
// the rope has other frequencies: so the keys that were there always agree with the queries to come.
func (m *Model) turn(o backend.Ops, seq *Sequence, i, stage, n int) {
	old := seq.stages[i]
	seq.stages[i] = stage
	if old == stage || n == 0 {
		return
	}
	seq.turned = true
	s, r := m.scratch, m.scratch.ropes[i]
	seq.Held(n, func(from, to int) {
		for ; from < to; from += s.turned.Cols {
			end := min(from+s.turned.Cols, to)
			s.words = seq.Slots(s.words[:0], from, end)
			slots := cut(s.turned, end-from)
			o.Write(slots, s.words)
			s.words = r.Shift(s.words[:0], from, end, old, stage)
			turns := r.turns.Slice(0, end-from)
			o.Write(turns, s.words)
			a := backend.Rotate{From: slots, To: slots, Rope: turns, Rotary: r.Rotary(), Interleaved: r.Interleaved}
			for j := range m.net.layers {
				if m.Spec.Layers[j].Attention.Rope == r.Rope {
					o.Rotate(m.pool.Layer(j), a)
				}
			}
		}
	})
}

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
// every rope.
func (m *Model) positions(o backend.Ops, st *step) {
	s := m.scratch
	for k := range st.texts {
		t := &st.texts[k]
		for i, r := range s.ropes {
			m.turn(o, t.Seq, i, r.Stage(t.length, t.Seq.Len()), t.place())
		}
	}
	s.words = s.words[:0]
	for k := range st.texts {
		t := &st.texts[k]
		s.words = t.Seq.Slots(s.words, t.place(), t.Seq.Places())
	}
	o.Write(st.cols(s.slots), s.words)
	if m.net.positions != nil {
		s.words = s.words[:0]
		for _, at := range st.places {
			s.words = append(s.words, uint32(at+m.Spec.Embedding.PosOffset))
		}
		o.Write(st.cols(s.pos), s.words)
	}
	for i, r := range s.ropes {
		s.words = r.write(s.words[:0], m.policy, st, i)
		o.Write(st.blocks(r), s.words)
	}
	if st.recall.K > 0 {
		s.words = m.pool.RecalledSlots(s.words[:0], st.recall.K)
		o.Write(cut(s.recalled, st.recall.K), s.words)
	}
	if st.raw > 0 {
		m.rawCopies(o, st)
	}
}

// rawCopies sends where the keys that get a raw copy are, where that goes, and by how much they turn back.
func (m *Model) rawCopies(o backend.Ops, st *step) {
	s := m.scratch
	write := func(dst backend.Tensor, of func(t *text, from, to int)) {
		s.words = s.words[:0]
		for k := range st.texts {
			t := &st.texts[k]
			of(t, t.place(), t.place()+t.raw)
		}
		o.Write(dst, s.words)
	}
	write(cut(s.rawFrom, st.raw), func(t *text, from, to int) { s.words = t.Seq.Slots(s.words, from, to) })
	write(cut(s.rawSlots, st.raw), func(t *text, from, to int) { s.words = t.Seq.RawSlots(s.words, from, to) })
	for i, r := range s.ropes {
		write(r.turns.Slice(0, st.raw), func(t *text, from, to int) {
			s.words = r.Shift(s.words, from, to, t.Seq.stages[i], positional.Raw)
		})
	}
}

// write appends a step's rows of angles for rope number i: of the keys, of the queries where they turn otherwise, and of
// each further set of queries.
func (r *rotary) write(words []uint32, p memory.Policy, st *step, i int) []uint32 {
	for t, at := range st.places {
		words = r.Keys(words, at, t.Seq.stages[i])
	}
	if r.Apart() {
		for t, at := range st.places {
			words = r.Queries(words, at, t.Seq.stages[i], t.length)
		}
	}
	for set := 1; set < st.sets; set++ {
		for t, at := range st.places {
			words = r.Queries(words, p.Turn(set, at), t.Seq.stages[i], t.length)
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

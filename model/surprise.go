package model

import (
	"context"
	"math"

	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/memory"
	"github.com/lrun/lrun/positional"
)

// surprise is how surprising the tokens of a sequence were (see memory.SirLLM), by place.
type surprise struct {
	policy  memory.SirLLM
	logProb backend.Tensor // f32 [places][1]
	last    backend.Tensor // f32 [1][vocab]: the logits after the last token
	valid   bool           // last is of the last token
}

// newSurprise makes a sequence's, or nil where the policy does not ask.
func (m *Model) newSurprise() (*surprise, error) {
	p, ok := m.policy.(memory.SirLLM)
	if !ok {
		return nil, nil
	}
	s := &surprise{policy: p}
	var err error
	if s.logProb, err = m.b.NewTensor(p.Size(), 1); err == nil {
		s.last, err = m.b.NewTensor(1, m.Spec.Vocab)
	}
	if err != nil {
		s.release()
		return nil, err
	}
	return s, nil
}

// forkSurprise copies a sequence's.
func (m *Model) forkSurprise(ctx context.Context, from *surprise) (*surprise, error) {
	s, err := m.newSurprise()
	if s == nil || err != nil {
		return nil, err
	}
	s.valid = from.valid
	if err = m.copyTensor(ctx, s.logProb, from.logProb); err == nil {
		err = m.copyTensor(ctx, s.last, from.last)
	}
	if err != nil {
		s.release()
		return nil, err
	}
	return s, nil
}

func (s *surprise) release() {
	if s == nil {
		return
	}
	for _, t := range []backend.Tensor{s.logProb, s.last} {
		if !t.IsNone() {
			t.Buf.Release()
		}
	}
}

// unknown stands for the ln p of a token whose predictor is not there: it counts as the most surprising.
const unknown = 1

// first notes how likely the step's first token was after the last of the one before.
func (s *surprise) first(o backend.Ops, st *step) {
	if s == nil {
		return
	}
	at := s.logProb.Slice(st.seq.Places()-st.n, 1)
	if s.valid {
		o.LogProb(at, s.last, cut(st.ids, 1))
		return
	}
	o.Write(at, []uint32{math.Float32bits(unknown)})
}

// rest notes how likely each token of the step was after the one before, and keeps the logits after the last one.
func (s *surprise) rest(o backend.Ops, m *Model, st *step, ids []int32, h backend.Tensor) {
	if s == nil {
		return
	}
	c := m.scratch
	for first := 0; first < st.n-1; first += c.logits.Rows {
		rows := min(c.logits.Rows, st.n-1-first)
		m.net.logits(o, c, c.logits.Slice(0, rows), h.Slice(first, rows))
		c.words = c.words[:0]
		for _, id := range ids[first+1 : first+1+rows] {
			c.words = append(c.words, uint32(id))
		}
		targets := cut(c.rawSlots, rows)
		o.Write(targets, c.words)
		o.LogProb(s.logProb.Slice(st.seq.Places()-st.n+1+first, rows), c.logits.Slice(0, rows), targets)
	}
	m.net.logits(o, c, s.last, h.Slice(st.n-1, 1))
	s.valid = true
}

// evict makes room in a full cache: it waits for the entropies, and moves the tokens that stay together.
func (m *Model) evict(ctx context.Context, seq *Sequence) error {
	s := seq.surprise
	if s == nil || seq.Places() < s.policy.Size() {
		return nil
	}
	words, err := m.fetch(ctx, s.logProb)
	if err != nil {
		return err
	}
	seq.work.RoundTrips++
	entropies := entropiesOf(words)
	places := s.policy.Kept(entropies, s.policy.Leaving())
	moves, err := seq.Keep(places)
	if err != nil {
		return err
	}
	seq.turned = true
	return m.b.Do(func(o backend.Ops) {
		for i, p := range places {
			words[i] = math.Float32bits(float32(-entropies[p] * s.policy.Decay))
		}
		o.Write(s.logProb.Slice(0, len(places)), words[:len(places)])
		m.move(o, seq, moves)
	})
}

// entropiesOf are −ln p, in place of those that are not known the largest.
func entropiesOf(words []uint32) []float64 {
	entropies := make([]float64, len(words))
	most := 0.0
	for i, w := range words {
		entropies[i] = -float64(math.Float32frombits(w))
		most = max(most, entropies[i])
	}
	for i, e := range entropies {
		if e == -unknown {
			entropies[i] = most
		}
	}
	return entropies
}

// move copies raw keys to where they are to be, and turns copies of them to their new places, in all layers.
func (m *Model) move(o backend.Ops, seq *Sequence, moves memory.Moves) {
	s := m.scratch
	for first := 0; first < len(moves.From); first += m.chunk {
		n := min(m.chunk, len(moves.From)-first)
		slots := func(t backend.Tensor, all []uint32) backend.Tensor {
			o.Write(cut(t, n), all[first:first+n])
			return cut(t, n)
		}
		from, raw, to := slots(s.slots, moves.From), slots(s.rawSlots, moves.ToRaw), slots(s.turned, moves.To)
		for i, r := range s.ropes {
			s.words = r.Shift(s.words[:0], first, first+n, positional.Raw, seq.stages[i])
			o.Write(r.turns.Slice(0, n), s.words)
		}
		for i := range m.net.layers {
			kv := m.pool.Layer(i)
			if kv == nil {
				continue
			}
			o.Rotate(kv, backend.Rotate{From: from, To: raw})
			turn := backend.Rotate{From: from, To: to}
			if rope := m.Spec.Layers[i].Attention.Rope; rope != nil {
				turn.Rope, turn.Rotary, turn.Interleaved = s.rotary(rope).turns.Slice(0, n), rope.Rotary(), rope.Interleaved
			}
			o.Rotate(kv, turn)
		}
	}
}

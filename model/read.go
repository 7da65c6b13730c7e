package model

import (
	"context"
	"errors"
	"fmt"

	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/memory"
)

// Rows says of which tokens of a chunk the logits are wanted.
type Rows uint8

// The choices of Rows.
const (
	NoRows Rows = iota
	LastRow
	AllRows
)

// Sink receives logits on the device, within the step that makes them, and does with them what it wants through o.
type Sink interface {
	// Logits is called with the rows of the chunk from number first on: logits is [rows][vocab]. It is called several
	// times where there are more of them than LogitRows.
	Logits(o backend.Ops, first int, logits backend.Tensor)
}

// Input is what a step takes of a text: ids at hand, or one id that a step before it left on the device.
type Input struct {
	IDs    []int32        // at most Chunk
	Device backend.Tensor // u32 [1][1], used where IDs is empty, in a step of this text alone
	Rows   Rows
	Length int  // of the text once all of it is read, where that is more than with this chunk
	Recall bool // a token that is read alone may look up what it does not see; see memory.Lambda
	Once   bool // the sink must not be called a second time for the same logits
}

// Reading is a chunk that a step appends to a sequence, and what becomes of its logits.
type Reading struct {
	Seq *Sequence
	Input
	Sink Sink
}

// text is a sequence in a step: it has rows first to first + n − 1.
type text struct {
	Reading
	first, n int
	raw      int // how many of its tokens, the first ones, get a raw copy of their keys
	length   int // of the whole text, as far as it is known and its tokens see each other
	before   int // tokens before the step
	views    map[sight]*backend.View
}

// rows is a tensor of the step's tokens cut to the text's.
func (t *text) rows(x backend.Tensor) backend.Tensor { return x.Slice(t.first, t.n) }

// place is that of the text's first token in the step.
func (t *text) place() int { return t.Seq.Places() - t.n }

// places calls yield with each of the step's tokens: its text, and its place there.
func (in *step) places(yield func(t *text, at int) bool) {
	for k := range in.texts {
		t := &in.texts[k]
		for at := t.place(); at < t.Seq.Places(); at++ {
			if !yield(t, at) {
				return
			}
		}
	}
}

// Forward is Read of one sequence.
func (m *Model) Forward(ctx context.Context, seq *Sequence, in Input, sink Sink) error {
	return m.Read(ctx, Reading{seq, in, sink})
}

// Read appends chunks of tokens to sequences, one to each, and runs the network over all of them at once: their rows are
// packed one behind the other, without padding (ByteTransformer, arXiv 2210.03052; Prepacking, arXiv 2404.09529), and
// nothing but attention and states tells them apart. Together they are at most Chunk tokens; several sequences need
// Together. It may return before the device is done. On an error the sequences are as they were, or empty. Where a layer
// looks blocks up that are not on the device, the sink may be called again, with the right logits.
func (m *Model) Read(ctx context.Context, readings ...Reading) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return errClosed
	}
	st := &m.scratch.step
	st.texts, st.n = st.texts[:0], 0
	for i := range readings {
		if err := m.admit(st, &readings[i]); err != nil {
			return err
		}
	}
	if len(readings) == 0 {
		return nil
	}
	err := m.prepare(ctx, st)
	if err == nil {
		err = m.run(ctx, st)
	}
	if err != nil {
		st.undo(err)
		return err
	}
	for k := range st.texts {
		st.texts[k].Seq.Represented()
	}
	return nil
}

// admit adds a reading to the step, or says why it cannot be one.
func (m *Model) admit(st *step, r *Reading) error {
	seq, n := r.Seq, max(1, len(r.IDs))
	if n > m.chunk || n > seq.Step(n) {
		return fmt.Errorf("a chunk of %d tokens, the model takes %d", n, seq.Step(m.chunk))
	}
	if at := seq.Places(); m.Spec.Fixed && at+n > m.Spec.Context {
		return fmt.Errorf("position %d: the model's learned positions end at %d", at+n-1, m.Spec.Context)
	}
	for k := range st.texts {
		switch first := &st.texts[k]; {
		case first.Seq == seq:
			return errors.New("a step reads a sequence twice: leave the second chunk to the next step")
		case len(r.IDs) == 0 || len(first.IDs) == 0:
			return errors.New("a step of several sequences needs their ids at hand")
		case !m.Together():
			return fmt.Errorf("a step of several sequences, which the memory (%s) does not allow: read one at a time", m.policy)
		}
	}
	if st.n+n > m.chunk {
		return fmt.Errorf("chunks of %d tokens together, the model takes %d", st.n+n, m.chunk)
	}
	st.texts = append(st.texts, text{Reading: *r, first: st.n, n: n, before: seq.Len(), views: m.scratch.viewsOf(len(st.texts))})
	st.n += n
	return nil
}

// Together reports whether a step may read several sequences: not where a step may wait for what it looks up, or note what
// surprised it.
func (m *Model) Together() bool {
	_, surprised := m.policy.(memory.SirLLM)
	return !surprised && !m.policy.Alone()
}

// prepare makes room for the step's tokens, and the views of its queries.
func (m *Model) prepare(ctx context.Context, st *step) error {
	for k := range st.texts {
		if err := m.extend(ctx, &st.texts[k]); err != nil {
			return err
		}
	}
	for k := range st.texts {
		if err := m.views(&st.texts[k]); err != nil {
			return err
		}
	}
	return nil
}

// extend makes room for a text's tokens.
func (m *Model) extend(ctx context.Context, t *text) error {
	seq := t.Seq
	if given := t.Length > 0; given != seq.given {
		seq.Turn()
		seq.given = given
	}
	seq.turned = false
	err := m.settle(ctx, seq)
	if err == nil {
		err = m.evict(ctx, seq)
	}
	if err == nil {
		err = seq.Extend(t.n)
	}
	if err == nil {
		err = m.leave(seq)
	}
	t.length = m.policy.Span(max(t.Length, seq.Len()))
	return err
}

// undo takes the step's tokens back after an error. Where nobody knows how far it came, or it would fail again, it empties
// the sequence.
func (in *step) undo(err error) {
	for k := range in.texts {
		t := &in.texts[k]
		if t.Seq.turned || errors.Is(err, memory.ErrLost) {
			t.before = 0
		}
		t.Seq.cancel()
		t.Seq.take(t.before)
	}
}

// views prepares what each layer's queries of a text see.
func (m *Model) views(t *text) error {
	s, seq := m.scratch, t.Seq
	s.recall = memory.Recall{}
	if t.n == 1 && t.Recall {
		s.recall = seq.Recall()
	}
	for sight, v := range t.views {
		seq.View(v, t.n, sight.window)
		if sight.recalls && s.recall.K > 0 {
			seq.Recalled(v, s.recall)
		}
		if err := s.room(v); err != nil {
			return err
		}
	}
	if seq.Lookup() > 0 {
		return s.lookups.choose(s, seq)
	}
	if s.recall.K == 0 {
		return nil
	}
	seq.Middle(&s.middle, s.recall)
	return s.room(&s.middle)
}

// start readies the step, whose texts are known and have room, for its way through the network; also once more.
func (m *Model) start(st *step) *step {
	s := m.scratch
	*st = step{n: st.n, texts: st.texts, ids: st.cols(s.ids), pool: m.pool, seq: st.texts[0].Seq, recall: s.recall}
	if first := &st.texts[0]; len(first.IDs) == 0 {
		st.ids = first.Device
	}
	for k := range st.texts {
		t := &st.texts[k]
		st.sets = max(st.sets, m.policy.Sets(t.Seq.Len()))
		t.raw = t.Seq.Raw(t.place())
		st.raw += t.raw
	}
	if st.recall.K > 0 {
		st.sets = 3
	}
	return st
}

// begin sends what the step needs and makes the first layer's input.
func (m *Model) begin(o backend.Ops, st *step) {
	s := m.scratch
	for k := range st.texts {
		m.copyPages(o, st.texts[k].Seq)
	}
	s.words = s.words[:0]
	for k := range st.texts {
		for _, id := range st.texts[k].IDs {
			s.words = append(s.words, uint32(id))
		}
	}
	if len(s.words) > 0 {
		o.Write(st.ids, s.words)
	}
	st.seq.surprise.first(o, st)
	m.positions(o, st)
	s.lookups.begin(o, s, st)
	m.net.enter(o, s, st)
}

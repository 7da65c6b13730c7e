package lrun

import (
	"context"
	"encoding/binary"
	"fmt"
	"iter"
	"math"

	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/model"
)

// Score is the log-probability of each token of a text after those before it. The first token has none, NaN, since
// nothing comes before it. A text longer than the context is an error.
func (m *Model) Score(ctx context.Context, text string) ([]Token, error) {
	if text == "" {
		return nil, fmt.Errorf("there is no text to score")
	}
	ids, err := m.Encode(text, true)
	if err != nil {
		return nil, err
	}
	probs, err := m.ScoreIDs(ctx, ids)
	if err != nil {
		return nil, err
	}
	tokens := make([]Token, len(ids))
	stream := m.tokenizer.NewStream(false)
	for i, id := range ids {
		tokens[i] = Token{ID: id, Text: stream.Next(id), LogProb: probs[i]}
	}
	tokens[len(ids)-1].Text += stream.Flush()
	return tokens, nil
}

// ScoreIDs is Score for token ids.
func (m *Model) ScoreIDs(ctx context.Context, ids []int32) ([]float64, error) {
	var probs []float64
	for p, err := range m.Scores(ctx, ids) {
		if err != nil {
			return nil, err
		}
		probs = append(probs, p)
	}
	return probs, nil
}

// Scores is ScoreIDs as an iterator, which yields log-probabilities as they are computed. An error ends it.
func (m *Model) Scores(ctx context.Context, ids []int32) iter.Seq2[float64, error] {
	return func(yield func(float64, error) bool) {
		for s, err := range m.ScoreAll(ctx, [][]int32{ids}) {
			if !yield(s.LogProb, err) {
				return
			}
		}
	}
}

// scorer is a sink that turns rows of logits into log-probabilities.
type scorer struct {
	targets, probs backend.Tensor // u32 [1][rows], f32 [rows][1]
	read           backend.Readback
	next           []int32 // the token after each row
}

func newScorer(m *Model) (s *scorer, err error) {
	s = &scorer{}
	rows := m.net.LogitRows()
	if s.targets, err = m.backend.NewTensor(1, rows); err != nil {
		return nil, err
	}
	if s.probs, err = m.backend.NewTensor(rows, 1); err == nil {
		s.read, err = m.backend.NewReadback(4 * rows)
	}
	if err != nil {
		s.release()
		return nil, err
	}
	return s, nil
}

func (s *scorer) release() {
	for _, t := range []backend.Tensor{s.targets, s.probs} {
		if !t.IsNone() {
			t.Buf.Release()
		}
	}
	if s.read != nil {
		s.read.Release()
	}
}

// Logits scores the token after each row.
func (s *scorer) Logits(o backend.Ops, _ int, logits backend.Tensor) {
	words := make([]uint32, logits.Rows)
	for i, id := range s.next {
		words[i] = uint32(id)
	}
	targets := s.targets
	targets.Cols = logits.Rows
	probs := s.probs.Slice(0, logits.Rows)
	o.Write(targets, words)
	o.LogProb(probs, logits, targets)
	o.Fetch(s.read, probs)
}

// Logits calls row with the logits of every token, in order: [vocab] values that are valid until row returns. An error of
// row ends it.
func (m *Model) Logits(ctx context.Context, ids []int32, row func(token int, logits []float32) error) error {
	if err := m.checkPrompt(ids, 0, 0); err != nil {
		return err
	}
	vocab := m.net.Spec.Vocab
	read, err := m.backend.NewReadback(4 * vocab * m.net.LogitRows())
	if err != nil {
		return err
	}
	defer read.Release()
	logits := make([]float32, vocab)
	return m.rows(ctx, ids, func(seq *model.Sequence, at, n int) error {
		in := model.Input{IDs: ids[at : at+n], Rows: model.AllRows, Length: len(ids)}
		if err := m.net.Forward(ctx, seq, in, fetcher{read}); err != nil {
			return err
		}
		data, err := read.Wait(ctx)
		if err != nil {
			return err
		}
		for i := range n {
			for v := range logits {
				logits[v] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*(i*vocab+v):]))
			}
			if err := row(at+i, logits); err != nil {
				return err
			}
		}
		return nil
	})
}

// fetcher is a sink that sends the logits to the host.
type fetcher struct{ read backend.Readback }

func (f fetcher) Logits(o backend.Ops, _ int, logits backend.Tensor) { o.Fetch(f.read, logits) }

// rows cuts ids into chunks whose logits fit one block, in a sequence of their own.
func (m *Model) rows(ctx context.Context, ids []int32, run func(seq *model.Sequence, at, n int) error) error {
	seq, err := m.net.NewSequence()
	if err != nil {
		return err
	}
	defer m.net.Release(seq)
	for at := 0; at < len(ids); {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := seq.Step(min(m.net.LogitRows(), len(ids)-at))
		if err := run(seq, at, n); err != nil {
			return err
		}
		at += n
	}
	return nil
}

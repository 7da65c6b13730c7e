package lrun

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"math"

	"github.com/lrun/lrun/model"
)

// TextScore is the log-probability of one token of one of several texts after those before it.
type TextScore struct {
	Text, Token int
	LogProb     float64 // NaN of a text's first token
}

// ScoreAll scores texts as ScoreIDs does each, several of them in a step: where one ends, the next begins. Each text's
// scores come in order, and are yielded as they are computed. An error ends it.
func (m *Model) ScoreAll(ctx context.Context, texts [][]int32) iter.Seq2[TextScore, error] {
	return func(yield func(TextScore, error) bool) {
		p := &scoring{m: m, texts: texts, yield: func(s TextScore) bool { return yield(s, nil) }}
		if err := p.run(ctx); err != nil && err != errLeft {
			yield(TextScore{}, err)
		}
	}
}

// errLeft ends what is done for a caller who wants no more.
var errLeft = errors.New("the caller has left")

// scoring is the scoring of several texts.
type scoring struct {
	m     *Model
	texts [][]int32
	yield func(TextScore) bool

	begun    int       // texts
	open     []*scored // those that are being read, in their order
	spare    []*scorer
	readings []model.Reading // of the step at hand, of the first open texts
}

// scored is a text that is being read: all but its last token.
type scored struct {
	text int
	ids  []int32
	seq  *model.Sequence
	sink *scorer
}

func (p *scoring) run(ctx context.Context) error {
	defer p.end()
	for i, ids := range p.texts {
		if err := p.m.checkPrompt(ids, 0, 1); err != nil {
			if len(p.texts) > 1 {
				err = fmt.Errorf("text %d: %w", i, err)
			}
			return err
		}
	}
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := p.pack(); err != nil {
			return err
		}
		if len(p.readings) == 0 {
			return nil
		}
		if err := p.m.net.Read(ctx, p.readings...); err != nil {
			return err
		}
		if err := p.receive(ctx); err != nil {
			return err
		}
	}
}

// pack chooses what the next step reads: no text begins before those before it fill no step.
func (p *scoring) pack() error {
	p.readings = p.readings[:0]
	room, together := p.m.net.LogitRows(), p.m.net.Together()
	for k := 0; room > 0 && (k == 0 || together); k++ {
		if k == len(p.open) {
			if more, err := p.begin(); err != nil || !more {
				return err
			}
		}
		t := p.open[k]
		at := t.seq.Len()
		n := t.seq.Step(min(room, len(t.ids)-at-1))
		t.sink.next = append(t.sink.next[:0], t.ids[at+1:at+n+1]...)
		in := model.Input{IDs: t.ids[at : at+n], Rows: model.AllRows, Length: len(t.ids) - 1}
		p.readings, room = append(p.readings, model.Reading{Seq: t.seq, Input: in, Sink: t.sink}), room-n
	}
	return nil
}

// begin opens the next text that has anything to predict, and reports whether there is one.
func (p *scoring) begin() (bool, error) {
	for p.begun < len(p.texts) {
		t := &scored{text: p.begun, ids: p.texts[p.begun]}
		p.begun++
		if !p.yield(TextScore{t.text, 0, math.NaN()}) {
			return false, errLeft
		}
		if len(t.ids) == 1 {
			continue
		}
		var err error
		if n := len(p.spare); n > 0 {
			t.sink, p.spare = p.spare[n-1], p.spare[:n-1]
		} else if t.sink, err = newScorer(p.m); err != nil {
			return false, err
		}
		if t.seq, err = p.m.net.NewSequence(); err != nil {
			p.spare = append(p.spare, t.sink)
			return false, err
		}
		p.open = append(p.open, t)
		return true, nil
	}
	return false, nil
}

// receive yields the scores of a step, and closes the texts that are read.
func (p *scoring) receive(ctx context.Context) error {
	var left []*scored
	for k, t := range p.open {
		if k < len(p.readings) {
			if err := p.scores(ctx, t); err != nil {
				return err
			}
		}
		if t.seq.Len() < len(t.ids)-1 {
			left = append(left, t)
		}
	}
	for _, t := range p.open {
		if t.seq.Len() == len(t.ids)-1 {
			p.close(t)
		}
	}
	p.open = left
	return nil
}

// scores yields those of a text's part in a step.
func (p *scoring) scores(ctx context.Context, t *scored) error {
	data, err := t.sink.read.Wait(ctx)
	if err != nil {
		return err
	}
	at := t.seq.Len() - len(t.sink.next) + 1
	for i := range t.sink.next {
		logProb := float64(math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:])))
		if math.IsNaN(logProb) {
			return fmt.Errorf("token %d: %w", at+i, errNaN)
		}
		if !p.yield(TextScore{t.text, at + i, logProb}) {
			return errLeft
		}
	}
	return nil
}

// close lets a text go.
func (p *scoring) close(t *scored) {
	p.m.net.Release(t.seq)
	p.spare = append(p.spare, t.sink)
}

// end gives all memory back.
func (p *scoring) end() {
	for _, t := range p.open {
		p.close(t)
	}
	for _, s := range p.spare {
		s.release()
	}
}

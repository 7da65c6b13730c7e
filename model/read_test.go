package model

import (
	"context"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/internal/testkit"
	"github.com/lrun/lrun/memory"
)

// reader is a text that is read in pieces, among others.
type reader struct {
	seq    *Sequence
	ids    []int32
	logits []float32            // of all of ids, as they come; zeros where none were asked for
	asked  []bool               // which of them were asked for
	reads  [64]backend.Readback // for the rows of a step, a block each
	calls  []int                // the first row of each block that came in the step at hand
	rows   []int                // and how many it has
}

// Logits implements Sink.
func (r *reader) Logits(o backend.Ops, first int, logits backend.Tensor) {
	o.Fetch(r.reads[len(r.calls)], logits)
	r.calls, r.rows = append(r.calls, first), append(r.rows, logits.Rows)
}

// pack reads texts in packed steps of random pieces, some of whose logits are asked for. A text joins two steps after the one
// before it, and leaves when it is read. The texts' readers are returned.
func pack(t *testing.T, m *Model, b backend.Backend, texts [][]int32, seed uint64) []*reader {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 0))
	var all []*reader
	left := len(texts)
	for step := 0; left > 0; step++ {
		if step%2 == 0 && len(all) < len(texts) {
			all = append(all, newReader(t, m, b, texts[len(all)]))
		}
		var readings []Reading
		var in []*reader
		room := m.Chunk()
		for _, r := range all {
			if r.seq == nil || random.IntN(4) == 0 {
				continue
			}
			at := r.seq.Len()
			n := r.seq.Step(min(1+random.IntN(9), len(r.ids)-at, room))
			if n < 1 || !m.Together() && len(in) > 0 {
				continue
			}
			rows := []Rows{NoRows, LastRow, AllRows, AllRows}[random.IntN(4)]
			readings = append(readings, Reading{r.seq, Input{IDs: r.ids[at : at+n], Rows: rows, Length: len(r.ids)}, r})
			in, room = append(in, r), room-n
		}
		if err := m.Read(t.Context(), readings...); err != nil {
			t.Fatal(err)
		}
		for _, r := range in {
			r.collect(t, m.Spec.Vocab)
			if r.seq.Len() == len(r.ids) {
				left--
				m.Release(r.seq)
				r.seq = nil
			}
		}
	}
	return all
}

func newReader(t *testing.T, m *Model, b backend.Backend, ids []int32) *reader {
	t.Helper()
	seq, err := m.NewSequence()
	if err != nil {
		t.Fatal(err)
	}
	r := &reader{seq: seq, ids: ids, logits: make([]float32, len(ids)*m.Spec.Vocab), asked: make([]bool, len(ids))}
	for i := range r.reads {
		if r.reads[i], err = b.NewReadback(4 * m.Spec.Vocab * 9); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(r.reads[i].Release)
	}
	return r
}

// collect takes the logits of a step.
func (r *reader) collect(t *testing.T, vocab int) {
	t.Helper()
	for i, first := range r.calls {
		data, err := r.reads[i].Wait(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		last := r.calls[len(r.calls)-1] + r.rows[len(r.rows)-1]
		at := r.seq.Len() - last + first // all that is asked for ends with the chunk
		copy(r.logits[at*vocab:], floats(data[:4*vocab*r.rows[i]]))
		for n := range r.rows[i] {
			r.asked[at+n] = true
		}
	}
	r.calls, r.rows = r.calls[:0], r.rows[:0]
}

// worst is the largest difference from the logits of the same text read alone, where they were asked for.
func (r *reader) worst(t *testing.T, alone []float32) float64 {
	t.Helper()
	vocab, worst, n := len(alone)/len(r.ids), 0.0, 0
	for i, asked := range r.asked {
		if asked {
			n++
			worst = max(worst, largestError(r.logits[i*vocab:(i+1)*vocab], alone[i*vocab:(i+1)*vocab]))
		}
	}
	if n == 0 {
		t.Error("no logits were asked for, which tests nothing")
	}
	return worst
}

// mixed are texts of different lengths and contents.
func mixed(ids []int32) [][]int32 {
	n := len(ids)
	return [][]int32{ids, ids[n/3:], ids[:n/2], ids[2:], ids[:n-1]}
}

// Ensure that texts of different lengths, read in packed steps that they join and leave, give the reference's logits and
// those that each gives alone, with every architecture, and that nothing is left behind.
func TestPackedTextsEqualAlone(t *testing.T) {
	dirs := testkit.Fixtures(t)
	for _, b := range testkit.Backends(t) {
		for _, dir := range dirs {
			g := readGolden(t, dir)
			if g == nil {
				continue
			}
			t.Run(b.Name()+"/"+filepath.Base(dir), func(t *testing.T) {
				m := load(t, b, g.dir, g.spec, Options{})
				texts := mixed(g.ids)
				for i, r := range pack(t, m, b, texts, 1) {
					if e := r.worst(t, allLogits(t, m, b, texts[i], m.Chunk())); !(e <= tolerance) {
						t.Errorf("text %d: logits differ by %.3g from the same text alone", i, e)
					}
					if i > 0 {
						continue
					}
					if e := r.worst(t, g.logits); !(e <= tolerance) {
						t.Errorf("logits differ by %.3g from the reference", e)
					}
				}
			})
		}
	}
}

// Ensure that packed texts see what they see alone under every memory that allows it, past the ends of what it holds, and
// with blocks of logits that are smaller than a step.
func TestPackedTextsWithMemories(t *testing.T) {
	ids := longText(150)
	dir := llamaWith(t, 2, nil)
	for _, b := range testkit.Backends(t) {
		for _, p := range []memory.Policy{
			memory.Full{}, memory.Window{Size: 20}, memory.Sinks{Start: 3, Recent: 17},
			memory.Lambda{Start: 4, Local: 16, Limit: 40}, small, memory.SirLLM{Start: 2, EntropySize: 20, Recent: 10, Decay: 1},
		} {
			m := load(t, b, dir, declared(t, dir), Options{Memory: p, Chunk: 24})
			block := m.scratch.logits
			m.scratch.logits.Rows = 4
			texts := mixed(ids)
			for i, r := range pack(t, m, b, texts, 2) {
				m.scratch.logits = block
				if !m.Together() { // chunks decide what is looked up
					continue
				}
				if e := r.worst(t, allLogits(t, m, b, texts[i], 24)); !(e <= 1e-3) {
					t.Errorf("%s on %s, text %d: logits differ by %.3g from the same text alone", p, b.Name(), i, e)
				}
			}
		}
	}
}

// Ensure that what a step of several texts cannot be is refused in words, and leaves all of them as they were.
func TestPackedTextsRefused(t *testing.T) {
	dir := llamaWith(t, 2, nil)
	for _, b := range testkit.Backends(t) {
		m := load(t, b, dir, declared(t, dir), Options{Chunk: 8})
		one, two := newReader(t, m, b, nil).seq, newReader(t, m, b, nil).seq
		want := allLogits(t, m, b, []int32{1, 2, 3, 4}, 8)
		read := func(seq *Sequence, ids ...int32) Reading { return Reading{Seq: seq, Input: Input{IDs: ids}} }
		if err := m.Read(t.Context(), read(one, 1), read(two, 1, 2, 3)); err != nil {
			t.Fatal(err)
		}
		for words, readings := range map[string][]Reading{
			"twice":   {read(one, 2), read(two, 4), read(one, 2)},
			"at hand": {read(one, 2), {Seq: two, Input: Input{Device: m.scratch.ids}}},
			"takes 8": {read(one, 2, 2, 2, 2), read(two, 4, 4, 4, 4, 4)},
			"norm":    {read(one, 2), {Seq: two, Input: Input{IDs: []int32{4}, Rows: LastRow}, Sink: failing{}}},
		} {
			if err := m.Read(t.Context(), readings...); err == nil || !strings.Contains(err.Error(), words) {
				t.Errorf("%s: %v", words, err)
			}
			if one.Len() != 1 || two.Len() != 3 {
				t.Fatalf("%s: %d and %d tokens are left, want 1 and 3", words, one.Len(), two.Len())
			}
		}
		if e := largestError(forward(t, m, b, two, []int32{4}), want[3*m.Spec.Vocab:]); !(e <= 1e-4) {
			t.Errorf("after errors, logits differ by %.3g", e)
		}
		lone := load(t, b, dir, declared(t, dir), Options{Memory: small})
		one, two = newReader(t, lone, b, nil).seq, newReader(t, lone, b, nil).seq
		if err := lone.Read(t.Context(), read(one, 1), read(two, 1)); err == nil || !strings.Contains(err.Error(), "one at a time") {
			t.Errorf("two texts with look-ups: %v", err)
		}
		if err := m.Read(t.Context()); err != nil {
			t.Errorf("no text at all: %v", err)
		}
	}
}

// failing is a sink that asks for what cannot be.
type failing struct{}

func (failing) Logits(o backend.Ops, _ int, logits backend.Tensor) {
	o.Norm(logits, backend.Tensor{}, backend.Norm{})
}

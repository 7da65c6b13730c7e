package model

import (
	"bytes"
	"path/filepath"
	"slices"
	"testing"

	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/internal/testkit"
	"github.com/lrun/lrun/memory"
)

// carriers are the fixtures of models with states, each loaded.
func carriers(t *testing.T, try func(t *testing.T, b backend.Backend, m *Model, ids []int32)) {
	dirs, err := filepath.Glob(testkit.Testdata("golden", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range testkit.Backends(t) {
		for _, dir := range dirs {
			if s := declared(t, dir); s.StateBytes() == 0 {
				continue
			}
			t.Run(b.Name()+"/"+filepath.Base(dir), func(t *testing.T) {
				s := declared(t, dir)
				ids := make([]int32, 300)
				for i := range ids {
					ids[i] = int32(i * 29 % s.Vocab)
				}
				try(t, b, load(t, b, dir, s, Options{}), ids)
			})
		}
	}
}

// size is the largest of some logits.
func size(logits []float32) float64 { return largestError(logits, make([]float32, len(logits))) }

// magnified is how much more of rounding is seen in a model's logits than in others': Zamba2 norms what attention makes, which
// averages out to little, before anything is added to it. Scores that are off by a millionth change logits of 5.7 by 2.9e-4
// in its random checkpoint of odd shapes, where Jamba's change by 5e-6 and Llama's by 1.2e-5.
func magnified(m *Model) float64 {
	if slices.ContainsFunc(m.Spec.Layers, func(l Layer) bool { return l.Side != nil }) {
		return 40
	}
	return 1
}

// Ensure that a text read in pieces of any size, or in the end token by token, gives the logits of reading it at once.
func TestStatesInChunks(t *testing.T) {
	carriers(t, func(t *testing.T, b backend.Backend, m *Model, ids []int32) {
		ids = ids[:256]
		whole := allLogits(t, m, b, ids, 256)
		for _, chunk := range []int{1, 7, 64} {
			if e := largestError(allLogits(t, m, b, ids, chunk), whole); !(e <= 2e-5*magnified(m)*size(whole)) {
				t.Errorf("chunks of %d differ by %.3g of %.3g", chunk, e, size(whole))
			}
		}
		seq, err := m.NewSequence()
		if err != nil {
			t.Fatal(err)
		}
		defer m.Release(seq)
		logits := append(rest(t, m, b, seq, ids[:200], 200), rest(t, m, b, seq, ids[200:], 1)...)
		if e := largestError(logits, whole); !(e <= 2e-5*magnified(m)*size(whole)) {
			t.Errorf("tokens after 200 differ by %.3g", e)
		}
	})
}

// Ensure that a fork, and what was saved and restored, go on as the sequence that they were made of, whatever that does
// then.
func TestStatesAreShared(t *testing.T) {
	carriers(t, func(t *testing.T, b backend.Backend, m *Model, ids []int32) {
		want := allLogits(t, m, b, ids[:160], 64)[100*m.Spec.Vocab:]
		seq, err := m.NewSequence()
		if err != nil {
			t.Fatal(err)
		}
		rest(t, m, b, seq, ids[:100], 64)
		fork, err := m.Fork(t.Context(), seq)
		if err != nil {
			t.Fatal(err)
		}
		var file bytes.Buffer
		if err := m.Save(t.Context(), seq, &file); err != nil {
			t.Fatal(err)
		}
		other := slices.Clone(ids)
		slices.Reverse(other)
		rest(t, m, b, seq, other[:50], 7)
		m.Release(seq)
		restored, err := m.Restore(t.Context(), &file)
		if err != nil {
			t.Fatal(err)
		}
		for name, s := range map[string]*Sequence{"a fork": fork, "a file": restored} {
			if e := largestError(rest(t, m, b, s, ids[100:160], 13), want); !(e <= 2e-5*magnified(m)*size(want)) {
				t.Errorf("%s differs by %.3g", name, e)
			}
			m.Release(s)
		}
	})
}

// Ensure that tokens can be taken back: to where a prompt or an answer ended exactly, elsewhere to a place before, from
// which the text is read again, and that memory does not grow with it.
func TestStatesAreTakenBack(t *testing.T) {
	carriers(t, func(t *testing.T, b backend.Backend, m *Model, ids []int32) {
		window := 0 // a window that has moved on leaves nothing to go back to
		for _, l := range m.Spec.Layers {
			window = max(window, l.Attention.Window)
		}
		seq, err := m.NewSequence()
		if err != nil {
			t.Fatal(err)
		}
		defer m.Release(seq)
		read := func(to, length int) {
			for seq.Len() < to {
				n := min(64, to-seq.Len())
				if length == 0 {
					n = 1
				}
				forwardAs(t, m, b, seq, Input{IDs: ids[seq.Len() : seq.Len()+n], Rows: AllRows, Length: length})
			}
		}
		want := allLogits(t, m, b, ids, 64)
		try := func(to, at int) {
			t.Helper()
			m.Drop(seq, to)
			if seq.Len() != at && (window == 0 || seq.Len() != 0) {
				t.Errorf("taken back to %d, %d are left, want %d", to, seq.Len(), at)
			}
			at = seq.Len()
			got, from := rest(t, m, b, seq, ids[at:at+20], 5), at*m.Spec.Vocab
			if e := largestError(got, want[from:from+len(got)]); !(e <= 2e-5*magnified(m)*size(want)) {
				t.Errorf("after %d of %d tokens the logits differ by %.3g", at, to, e)
			}
		}
		read(100, 100) // a prompt
		read(130, 0)   // an answer
		before := b.Memory()
		try(129, 129)
		m.Drop(seq, 129)
		read(150, 0)
		read(180, 180)
		try(170, 150)
		m.Drop(seq, 150)
		try(120, 100)
		try(50, 0)
		if window == 0 && b.Memory() > before {
			t.Errorf("memory grew from %d to %d bytes", before, b.Memory())
		}
	})
}

// Ensure that in models of both kinds of layers a memory concerns those that attend alone: where its blocks are changes no
// logit, and forks and files go on.
func TestMemoriesBesideStates(t *testing.T) {
	dir := testkit.Testdata("golden", "jamba")
	ids := longText(260)
	for _, b := range testkit.Backends(t) {
		var first []float32
		for i, p := range []memory.Policy{small, with(func(l *memory.InfLLM) { l.MaxCachedBlock = 4 }),
			memory.Sinks{Start: 3, Recent: 20}, memory.SirLLM{Start: 2, EntropySize: 40, Decay: 0.9}} {
			m := load(t, b, dir, declared(t, dir), Options{Memory: p})
			want := allLogits(t, m, b, ids, 12)
			if i == 0 {
				first = want
			}
			if e := largestError(want, first); i == 1 && !(e <= 2e-5*magnified(m)*size(first)) || i > 1 && e < 1e-3 {
				t.Errorf("%v on %s: logits differ by %.3g from those of blocks on the device", p, b.Name(), e)
			}
			seq, err := m.NewSequence()
			if err != nil {
				t.Fatal(err)
			}
			rest(t, m, b, seq, ids[:204], 12)
			fork, err := m.Fork(t.Context(), seq)
			if err != nil {
				t.Fatal(err)
			}
			var file bytes.Buffer
			if err := m.Save(t.Context(), seq, &file); err != nil {
				t.Fatal(err)
			}
			restored, err := m.Restore(t.Context(), &file)
			if err != nil {
				t.Fatal(err)
			}
			for name, s := range map[string]*Sequence{"a fork": fork, "a file": restored} {
				if e := largestError(rest(t, m, b, s, ids[204:], 12), want[204*m.Spec.Vocab:]); !(e <= 2e-5*magnified(m)*size(want)) {
					t.Errorf("%v on %s: %s differs by %.3g", p, b.Name(), name, e)
				}
				m.Release(s)
			}
			m.Release(seq)
		}
	}
}

// Ensure that layers which take turns with a block have its weights once, and each an adapter of its own.
func TestSharedBlocks(t *testing.T) {
	dir := testkit.Testdata("golden", "zamba2_shared")
	for _, b := range testkit.Backends(t) {
		m := load(t, b, dir, declared(t, dir), Options{})
		one, other, again := &m.net.layers[1], &m.net.layers[2], &m.net.layers[3]
		if one.attention.qkv != again.attention.qkv || one.mlp.gateUp != again.mlp.gateUp || one.attention.qkv == other.attention.qkv {
			t.Error("the first and the third use are not of one block, or the second is of the same")
		}
		if one.mlp.adapter.up == again.mlp.adapter.up || one.attention.adapter.up == again.attention.adapter.up {
			t.Error("two uses of a block share an adapter")
		}
	}
}

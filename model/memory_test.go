package model

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/backend/webgpu"
	"github.com/lrun/lrun/internal/testkit"
	"github.com/lrun/lrun/memory"
)

// small is InfLLM for texts of some hundred tokens.
var small = memory.InfLLM{NInit: 3, NLocal: 24, BlockSize: 5, TopK: 3, ReprTopK: 2, ExcBlockSize: 12, CacheStrategy: "lru"}

// with are variants of small.
func with(change func(*memory.InfLLM)) memory.InfLLM {
	l := small
	change(&l)
	return l
}

// Ensure that a view of all blocks is full attention where positions do not enter attention.
func TestAllBlocksAreFullAttention(t *testing.T) {
	for _, b := range testkit.Backends(t) {
		for _, name := range []string{"gpt2", "opt"} {
			g := readGolden(t, testkit.Testdata("golden", name))
			ids := slices.Repeat(g.ids, 4)[:min(4*len(g.ids), g.spec.Context)]
			want := allLogits(t, load(t, b, g.dir, g.spec, Options{}), b, ids, 7)
			all := with(func(l *memory.InfLLM) { l.NLocal, l.ExcBlockSize, l.BlockSize, l.TopK = 7, 7, 3, 256 })
			got := allLogits(t, load(t, b, g.dir, declared(t, g.dir), Options{Memory: all}), b, ids, 7)
			if worst := largestError(got, want); !(worst <= 1e-4) {
				t.Errorf("%s on %s, %d tokens: logits differ by %.3g", name, b.Name(), len(ids), worst)
			}
		}
	}
}

// Ensure that where blocks are, and in what pieces a text comes, changes no logit, and that backends agree.
func TestBlocksAnywhere(t *testing.T) {
	ids := longText(400)
	dir := llamaWith(t, 2, nil)
	var first []float32
	for _, b := range testkit.Backends(t) {
		for name, p := range map[string]memory.InfLLM{
			"all on the device": small,
			"3 cached":          with(func(l *memory.InfLLM) { l.MaxCachedBlock = 3 }),
			"9 cached, fading":  with(func(l *memory.InfLLM) { l.MaxCachedBlock, l.CacheStrategy, l.ScoreDecay = 9, "lru-s", 0.5 }),
			"5 cached, in a file": with(func(l *memory.InfLLM) {
				l.MaxCachedBlock, l.HostLimit, l.SpillDir = 5, 1, t.TempDir()
			}),
		} {
			m := load(t, b, dir, declared(t, dir), Options{Memory: p})
			logits := allLogits(t, m, b, ids, 12)
			logits = append(logits, tokenByToken(t, m, b, ids[:200], 150)...)
			if first == nil {
				first = logits
			}
			if worst := largestError(logits, first); !(worst <= 2e-5) {
				t.Errorf("%s on %s: logits differ by %.3g", name, b.Name(), worst)
			}
		}
	}
}

// tokenByToken are the logits of the tokens from number from on, read one at a time.
func tokenByToken(t *testing.T, m *Model, b backend.Backend, ids []int32, from int) []float32 {
	t.Helper()
	seq, err := m.NewSequence()
	if err != nil {
		t.Fatal(err)
	}
	defer m.Release(seq)
	rest(t, m, b, seq, ids[:from], 12)
	return rest(t, m, b, seq, ids[from:], 1)
}

// Ensure that a fork goes on as the sequence that it was made of, and that neither disturbs the other.
func TestForksGoOn(t *testing.T) {
	ids, other := longText(300), longText(320)
	slices.Reverse(other)
	dir := llamaWith(t, 2, nil)
	for _, b := range testkit.Backends(t) {
		for _, p := range []memory.Policy{memory.Full{}, memory.Sinks{Start: 3, Recent: 20}, small,
			with(func(l *memory.InfLLM) { l.MaxCachedBlock = 4 }), memory.SirLLM{Start: 2, EntropySize: 40, Decay: 0.9}} {
			m := load(t, b, dir, declared(t, dir), Options{Memory: p})
			whole, err := m.NewSequence()
			if err != nil {
				t.Fatal(err)
			}
			rest(t, m, b, whole, ids[:204], 12)
			fork, err := m.Fork(t.Context(), whole)
			if err != nil {
				t.Fatal(err)
			}
			rest(t, m, b, fork, other[:70], 9)
			again, err := m.Fork(t.Context(), whole)
			if err != nil {
				t.Fatal(err)
			}
			m.Release(fork)
			want := rest(t, m, b, whole, ids[204:], 12)
			got := rest(t, m, b, again, ids[204:], 12)
			alone := allLogits(t, m, b, ids, 12)[204*m.Spec.Vocab:]
			if a, b := largestError(got, want), largestError(want, alone); a > 1e-5 || b > 2e-5 {
				t.Errorf("%v: a fork differs by %.3g, and what was forked by %.3g", p, a, b)
			}
			m.Release(whole)
			m.Release(again)
		}
	}
}

// Ensure that SirLLM without places for the surprising is StreamingLLM, and that with them it sees something else.
func TestSirLLMIsSinks(t *testing.T) {
	ids := longText(150)
	dir := llamaWith(t, 2, nil)
	for _, b := range testkit.Backends(t) {
		logits := map[string][]float32{}
		for name, p := range map[string]memory.Policy{
			"sinks":      memory.Sinks{Start: 3, Recent: 20},
			"sirllm":     memory.SirLLM{Start: 3, Recent: 21, Decay: 1},
			"surprising": memory.SirLLM{Start: 3, EntropySize: 15, Recent: 6, Decay: 1},
		} {
			logits[name] = allLogits(t, load(t, b, dir, declared(t, dir), Options{Memory: p}), b, ids, 1)
		}
		if worst := largestError(logits["sirllm"], logits["sinks"]); !(worst <= 1e-4) {
			t.Errorf("%s: logits differ by %.3g", b.Name(), worst)
		}
		if worst := largestError(logits["surprising"], logits["sinks"]); worst < 1e-3 {
			t.Errorf("%s: the surprising tokens change nothing (%.3g)", b.Name(), worst)
		}
	}
}

// Ensure that the pieces in which a text comes change nothing in SirLLM, on every backend.
func TestSirLLMInChunks(t *testing.T) {
	ids := longText(200)
	dir := llamaWith(t, 2, nil)
	var first []float32
	for _, b := range testkit.Backends(t) {
		m := load(t, b, dir, declared(t, dir), Options{Memory: memory.SirLLM{Start: 2, EntropySize: 30, Recent: 8, Decay: 0.8}})
		for _, chunk := range []int{1, 5, 64} {
			logits := allLogits(t, m, b, ids, chunk)
			if first == nil {
				first = logits
			}
			if worst := largestError(logits, first); !(worst <= 2e-4) {
				t.Errorf("%s in chunks of %d: logits differ by %.3g", b.Name(), chunk, worst)
			}
		}
	}
}

// Ensure that a step waits for the device only when a block is missed, once a layer then, and never where all are there.
func TestRoundTrips(t *testing.T) {
	ids := longText(300)
	dir := llamaWith(t, 2, nil)
	for _, b := range testkit.Backends(t) {
		for cached, most := range map[int]int{0: 0, 200: 0, 3: 2 * 100} {
			m := load(t, b, dir, declared(t, dir), Options{Memory: with(func(l *memory.InfLLM) { l.MaxCachedBlock = cached })})
			seq, err := m.NewSequence()
			if err != nil {
				t.Fatal(err)
			}
			rest(t, m, b, seq, ids[:200], 12)
			_, before := m.Stats(seq)
			rest(t, m, b, seq, ids[200:], 1)
			_, after := m.Stats(seq)
			if n := after.RoundTrips - before.RoundTrips; n > most || cached == 3 && n == 0 {
				t.Errorf("%s, %d cached: %d round trips in 100 tokens, want at most %d", b.Name(), cached, n, most)
			}
			m.Release(seq)
		}
	}
}

// Ensure that a device that is full in the middle of a text is an error that takes nothing: the text goes on where there is
// more room, as if nothing had been.
func TestFullDeviceInMidStream(t *testing.T) {
	ids := longText(400)
	dir := llamaWith(t, 2, nil)
	roomy := testkit.GPU(t, webgpu.Options{})
	m := load(t, roomy, dir, declared(t, dir), Options{Memory: small})
	scarce := testkit.GPU(t, webgpu.Options{MemoryLimit: roomy.Memory() + 60<<10})
	cramped := load(t, scarce, dir, declared(t, dir), Options{Memory: small})
	seq, err := cramped.NewSequence()
	if err != nil {
		t.Fatal(err)
	}
	defer cramped.Release(seq)
	for err == nil && seq.Len() < 372 {
		err = cramped.Forward(t.Context(), seq, Input{IDs: ids[seq.Len():][:12]}, nil)
	}
	if at := seq.Len(); err == nil || !strings.Contains(err.Error(), "memory") || at < 48 {
		t.Fatalf("at %d: %v, want an error of memory", at, err)
	}
	var saved bytes.Buffer
	if err := cramped.Save(t.Context(), seq, &saved); err != nil {
		t.Fatal(err)
	}
	elsewhere, err := m.Restore(t.Context(), &saved)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Release(elsewhere)
	got := rest(t, m, roomy, elsewhere, ids[elsewhere.Len():], 12)
	want := allLogits(t, m, roomy, ids, 12)
	if worst := largestError(got, want[len(want)-len(got):]); !(worst <= 2e-5) {
		t.Errorf("from %d on: logits differ by %.3g", seq.Len(), worst)
	}
}

package model

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/backend/webgpu"
	"github.com/lrun/lrun/internal/testkit"
	"github.com/lrun/lrun/weights"
)

// fetcher sends a block of logits to the host.
type fetcher struct{ read backend.Readback }

func (f fetcher) Logits(o backend.Ops, _ int, logits backend.Tensor) { o.Fetch(f.read, logits) }

// forward appends ids to a sequence and returns their logits.
func forward(t *testing.T, m *Model, b backend.Backend, seq *Sequence, ids []int32) []float32 {
	t.Helper()
	return forwardAs(t, m, b, seq, Input{IDs: ids, Rows: AllRows})
}

// forwardAs is forward with an input at hand.
func forwardAs(t *testing.T, m *Model, b backend.Backend, seq *Sequence, in Input) []float32 {
	t.Helper()
	read, err := b.NewReadback(len(in.IDs) * m.Spec.Vocab * 4)
	if err != nil {
		t.Fatal(err)
	}
	defer read.Release()
	if err := m.Forward(t.Context(), seq, in, fetcher{read}); err != nil {
		t.Fatal(err)
	}
	data, err := read.Wait(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return floats(data)
}

// Ensure that a prompt read in chunks of any size gives the logits of the whole prompt read at once.
func TestChunkedPrefillEqualsOneShot(t *testing.T) {
	for _, b := range testkit.Backends(t) {
		for _, name := range []string{"llama_gqa", "mistral_sliding", "gemma3_text", "bloom", "falcon_new_gqa", "qwen2_moe"} {
			t.Run(b.Name()+"/"+name, func(t *testing.T) {
				g := readGolden(t, testkit.Testdata("golden", name))
				m := load(t, b, g.dir, g.spec, Options{})
				whole := allLogits(t, m, b, g.ids, len(g.ids))
				for _, chunk := range []int{1, 2, 3, 5, 16, 17, 31, 33, len(g.ids) - 1} {
					if e := largestError(allLogits(t, m, b, g.ids, chunk), whole); e > 1e-4 {
						t.Errorf("chunks of %d differ by %.3g", chunk, e)
					}
				}
			})
		}
	}
}

// Ensure that smaller caches stay close to the f32 one, with every architecture.
func TestSmallCachesAreClose(t *testing.T) {
	dirs := testkit.Fixtures(t)
	for _, b := range testkit.Backends(t) {
		for kv, most := range map[backend.DType]float64{backend.F16: 2e-2, backend.Q8: 0.4} {
			t.Run(b.Name()+"/"+kv.String(), func(t *testing.T) {
				worst := 0.0
				for _, dir := range dirs {
					g := readGolden(t, dir)
					if g == nil || g.spec.fits(b, kv) != nil {
						continue
					}
					m := load(t, b, g.dir, g.spec, Options{KV: kv})
					if magnified(m) > 1 { // random weights leave nothing of what such a cache rounds
						continue
					}
					e := largestError(allLogits(t, m, b, g.ids, m.Chunk()), g.logits)
					if e > most || e == 0 || math.IsNaN(e) {
						t.Errorf("%s: logits differ by %.3g, want a little and at most %g", filepath.Base(dir), e, most)
					}
					worst = max(worst, e)
				}
				t.Logf("largest logit error %.2g", worst)
			})
		}
	}
}

// Ensure that sequences which grow in turns, past the pool's first size, do not disturb each other, and that what they
// give back is used again.
func TestSequencesShareThePool(t *testing.T) {
	for _, b := range testkit.Backends(t) {
		t.Run(b.Name(), func(t *testing.T) {
			g := readGolden(t, testkit.Testdata("golden", "llama_gqa"))
			m := load(t, b, g.dir, g.spec, Options{Chunk: 8})
			whole := allLogits(t, m, b, g.ids, 8)
			const sequences = 3
			var seqs [sequences]*Sequence
			var logits [sequences][]float32
			for i := range seqs {
				var err error
				if seqs[i], err = m.NewSequence(); err != nil {
					t.Fatal(err)
				}
			}
			for at := 0; at < len(g.ids); at += 8 {
				for i, seq := range seqs {
					logits[i] = append(logits[i], forward(t, m, b, seq, g.ids[at:min(at+8, len(g.ids))])...)
				}
			}
			for i := range seqs {
				if e := largestError(logits[i], whole); e > 1e-5 {
					t.Errorf("sequence %d differs by %.3g", i, e)
				}
				m.Drop(seqs[i], 0)
			}
			before := b.Memory()
			if e := largestError(allLogits(t, m, b, g.ids, 8), whole); e > 1e-5 {
				t.Errorf("after the others were dropped: %.3g", e)
			}
			if b.Memory() != before {
				t.Errorf("memory grew from %d to %d bytes though pages were free", before, b.Memory())
			}
		})
	}
}

// Ensure that matrices split by rows, where the device binds only little at once, give the same logits.
func TestSplitMatrices(t *testing.T) {
	for _, name := range []string{"llama_gqa", "qwen2_moe", "phi3", "gpt2"} {
		t.Run(name, func(t *testing.T) {
			b := testkit.GPU(t, webgpu.Options{BindingLimit: 20 << 10})
			g := readGolden(t, testkit.Testdata("golden", name))
			m := load(t, b, g.dir, g.spec, Options{Chunk: 16})
			parts := len(m.net.tokens.Parts) + len(m.net.layers[0].mlp.down.Parts)
			if parts < 4 {
				t.Fatalf("the embedding and an MLP are in %d parts, which tests nothing", parts)
			}
			if e := largestError(allLogits(t, m, b, g.ids, 16), g.logits); e > 1e-4 {
				t.Errorf("logits differ by %.3g", e)
			}
		})
	}
}

// Ensure that a device too small for a model, or for its cache as it grows, is an error that says so, and that nothing is
// left behind.
func TestOutOfMemory(t *testing.T) {
	g := readGolden(t, testkit.Testdata("golden", "llama_gqa"))
	ckpt, err := weights.Open(g.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer ckpt.Close()
	run := func(limit int64) (loaded, grown int64, err error) {
		b := testkit.GPU(t, webgpu.Options{MemoryLimit: limit})
		m, err := Load(b, g.spec, ckpt, Options{Chunk: 8})
		if err == nil {
			loaded = b.Memory()
			err = grow(m)
			grown = b.Memory()
			m.Close()
		}
		if b.Memory() != 0 {
			t.Errorf("with %d bytes: %d are still held", limit, b.Memory())
		}
		return loaded, grown, err
	}
	loaded, grown, err := run(0)
	if err != nil {
		t.Fatal(err)
	}
	for _, limit := range []int64{loaded / 2, loaded - 1, (loaded + grown) / 2} {
		if _, _, err := run(limit); err == nil || !strings.Contains(err.Error(), "memory") {
			t.Errorf("with %d of %d bytes: error %v, want one of memory", limit, grown, err)
		}
	}
}

// grow fills a sequence until the device refuses, or the context ends.
func grow(m *Model) error {
	seq, err := m.NewSequence()
	for err == nil && seq.Len() < 4*m.Spec.Context {
		before := seq.Len()
		if err = m.Forward(context.Background(), seq, Input{IDs: make([]int32, 8)}, nil); err != nil && seq.Len() != before {
			return fmt.Errorf("memory: a failed step left %d tokens of %d", seq.Len(), before)
		}
	}
	return err
}

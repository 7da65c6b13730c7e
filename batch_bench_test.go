package lrun

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/lrun/lrun/internal/testkit"
)

// benchModels are those that batches are measured with: the embedded one, and a random one of 64 million weights where
// LRUN_BENCH_BATCH is set.
func benchModels(b *testing.B, run func(b *testing.B, m *Model)) {
	for _, dev := range testkit.Backends(b) {
		b.Run(dev.Name()+"/tiny", func(b *testing.B) { run(b, tiny(b, dev.Name())) })
		if os.Getenv("LRUN_BENCH_BATCH") == "" {
			continue
		}
		b.Run(dev.Name()+"/64M", func(b *testing.B) {
			dir := b.TempDir()
			writeJSON(b, filepath.Join(dir, "config.json"), map[string]any{
				"model_type": "llama", "vocab_size": 16000, "hidden_size": 768, "intermediate_size": 2048, "num_hidden_layers": 6,
				"num_attention_heads": 12, "num_key_value_heads": 4, "max_position_embeddings": 2048, "tie_word_embeddings": true,
			})
			m, err := Open(dir, WithBackend(dev.Name()), WithRandomWeights("f16"))
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { m.Close() })
			run(b, m)
		})
	}
}

// prompts are 24 of 4 to 240 tokens, most of them short: lengths are spread evenly over the logarithm.
func prompts() (all [][]int32, tokens int) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 24 {
		n := int(4 * math.Pow(60, random.Float64()))
		all = append(all, someIDs(n))
		tokens += n
	}
	return all, tokens
}

// BenchmarkPackedPrefill reads prompts of different lengths up to their first token: packed, each padded to the longest, and
// one after another. Tokens a second are those of the prompts, without padding.
func BenchmarkPackedPrefill(b *testing.B) {
	all, tokens := prompts()
	longest := len(slices.MaxFunc(all, func(a, b []int32) int { return len(a) - len(b) }))
	padded := slices.Repeat([][]int32{someIDs(longest)}, len(all))
	b.Logf("%d prompts of %d tokens, the longest of %d: %d with padding", len(all), tokens, longest, longest*len(all))
	benchModels(b, func(b *testing.B, m *Model) {
		for name, prompts := range map[string][][]int32{"packed": all, "padded": padded} {
			b.Run(name, func(b *testing.B) {
				for b.Loop() {
					together(b, m, prompts, 1)
				}
				b.ReportMetric(float64(b.N*tokens)/b.Elapsed().Seconds(), "tokens/s")
			})
		}
		b.Run("alone", func(b *testing.B) {
			for b.Loop() {
				for i := range all {
					together(b, m, all[i:i+1], 1)
				}
			}
			b.ReportMetric(float64(b.N*tokens)/b.Elapsed().Seconds(), "tokens/s")
		})
	})
}

// BenchmarkBatch is the decoding of 32 tokens in each of several sessions.
func BenchmarkBatch(b *testing.B) {
	benchModels(b, func(b *testing.B, m *Model) {
		for _, n := range []int{1, 2, 4, 8, 16} {
			b.Run(fmt.Sprint(n), func(b *testing.B) {
				for b.Loop() {
					together(b, m, slices.Repeat([][]int32{{3, 4, 5}}, n), 32)
				}
				b.ReportMetric(float64(b.N*n*32)/b.Elapsed().Seconds(), "tokens/s")
			})
		}
	})
}

// together continues prompts in a batch, each by n tokens.
func together(b *testing.B, m *Model, prompts [][]int32, n int) {
	batch := m.NewBatch()
	for _, ids := range prompts {
		s, err := m.NewSession()
		if err != nil {
			b.Fatal(err)
		}
		defer s.Close()
		if err := batch.AddIDs(ctx, s, ids, WithTemperature(0), WithIgnoreEOS(), WithMaxTokens(n)); err != nil {
			b.Fatal(err)
		}
	}
	for _, err := range batch.Run(ctx) {
		if err != nil {
			b.Fatal(err)
		}
	}
}

package lrun

import (
	"testing"

	"github.com/lrun/lrun/internal/testkit"
)

// BenchmarkDecode is a generated token of the embedded model, with what Go allocates for it and how many kernels it takes.
func BenchmarkDecode(b *testing.B) {
	for _, dev := range testkit.Backends(b) {
		b.Run(dev.Name(), func(b *testing.B) {
			m := tiny(b, dev.Name())
			run := func(tokens int) {
				for _, err := range m.GenerateIDs(ctx, []int32{0}, WithTemperature(0), WithIgnoreEOS(), WithMaxTokens(tokens)) {
					if err != nil {
						b.Fatal(err)
					}
				}
			}
			run(2)
			b.ReportAllocs()
			b.ResetTimer()
			before := m.Dispatches()
			// In texts of 200 tokens, so that attention's share does not depend on b.N.
			for left := b.N; left > 0; left -= 200 {
				run(min(left, 200))
			}
			b.ReportMetric(float64(m.Dispatches()-before)/float64(b.N), "dispatches/op")
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "tokens/s")
		})
	}
}

// BenchmarkPrefill is a token of a prompt of 200.
func BenchmarkPrefill(b *testing.B) {
	for _, dev := range testkit.Backends(b) {
		b.Run(dev.Name(), func(b *testing.B) {
			m := tiny(b, dev.Name())
			prompt := make([]int32, 200)
			for b.Loop() {
				for _, err := range m.GenerateIDs(ctx, prompt, WithTemperature(0), WithMaxTokens(1)) {
					if err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64(b.N*len(prompt))/b.Elapsed().Seconds(), "tokens/s")
		})
	}
}

package lrun

import (
	"path/filepath"
	"testing"

	"github.com/lrun/lrun/internal/testkit"
)

// Ensure that a decoded token takes at most ten kernels a layer and six besides, for every architecture without experts,
// and two a layer more with them.
func TestDispatchesPerToken(t *testing.T) {
	for _, dir := range testkit.Fixtures(t) {
		name := filepath.Base(dir)
		for _, b := range testkit.Backends(t) {
			m, err := Open(dir, WithBackend(b.Name()))
			if err != nil {
				continue // an architecture of another kind
			}
			count := func(tokens int) int64 {
				before := m.Dispatches()
				collect(t, m.GenerateIDs(ctx, []int32{3}, WithTemperature(0), WithIgnoreEOS(), WithMaxTokens(tokens)))
				return m.Dispatches() - before
			}
			few := count(2)
			perToken := float64(count(10)-few) / 8
			layers := m.Info().Layers
			budget := 10*layers + 6
			for _, l := range m.net.Spec.Layers {
				if l.MLP.Experts != nil {
					budget += 2
				}
				if l.Side != nil { // a whole block beside
					budget += 12
				}
			}
			t.Logf("%-26s %-7s %5.1f a token, %d layers", name, b.Name(), perToken, layers)
			if perToken > float64(budget) {
				t.Errorf("%s on %s: %.1f dispatches a token, at most %d", name, b.Name(), perToken, budget)
			}
			if err := m.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// Ensure that one more session in a step takes no kernels but those of its attention and of drawing its token.
func TestDispatchesOfBatch(t *testing.T) {
	onBackends(t, func(t *testing.T, m *Model) {
		const tokens = 10
		count := func(sessions int) int {
			var all []joining
			for range sessions {
				options := []GenerateOption{WithTemperature(0), WithIgnoreEOS(), WithMaxTokens(tokens)}
				all = append(all, joining{prompt: []int32{3}, options: options})
			}
			before := m.Dispatches()
			batched(t, m, all)
			return int(m.Dispatches() - before)
		}
		alone := count(1)
		if more := float64(count(5)-alone) / 4 / tokens; more > float64(2*m.Info().Layers+2) {
			t.Errorf("a session more takes %.1f kernels a token, besides %.1f", more, float64(alone)/tokens)
		}
	})
}

package model

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/internal/testkit"
)

// Ensure that matrices in q8 keep the first greedy ids of every fixture, on every backend. What q4 keeps is shown.
func TestQuantisedGreedy(t *testing.T) {
	const first = 16
	for _, b := range testkit.Backends(t) {
		t.Run(b.Name(), func(t *testing.T) {
			var table strings.Builder
			for _, dir := range testkit.Fixtures(t) {
				if readGolden(t, dir) == nil {
					continue
				}
				t.Run(filepath.Base(dir), func(t *testing.T) {
					kept := map[backend.DType]int{}
					for _, quant := range []backend.DType{backend.Q8, backend.Q4} {
						g := readGolden(t, dir)
						kept[quant] = g.kept(t, b, quant)
					}
					fmt.Fprintf(&table, "%-28s q8 %2d  q4 %2d\n", filepath.Base(dir), kept[backend.Q8], kept[backend.Q4])
					if kept[backend.Q8] < first {
						t.Errorf("q8 keeps %d greedy ids, want %d", kept[backend.Q8], first)
					}
				})
			}
			t.Logf("greedy ids kept on %s\n%s", b.Name(), table.String())
		})
	}
}

// kept is how many of the fixture's greedy ids come out, from the first on, with quantised matrices.
func (g *golden) kept(t *testing.T, b backend.Backend, quant backend.DType) int {
	m := load(t, b, g.dir, g.spec, Options{Quant: quant})
	seq, err := m.NewSequence()
	if err != nil {
		t.Fatal(err)
	}
	defer m.Release(seq)
	logits := rest(t, m, b, seq, g.ids, m.Chunk())
	for i, want := range g.greedy {
		if got := argmax(logits[len(logits)-g.vocab:]); int64(got) != want {
			return i
		}
		logits = rest(t, m, b, seq, []int32{int32(want)}, 1)
	}
	return len(g.greedy)
}

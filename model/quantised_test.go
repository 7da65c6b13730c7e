package model

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/internal/testkit"
)

// tie is the margin below which the best two logits of a fixture are a tie to q8, whose rounding moves logits by 2 % of their
// standard deviation, which is 2: random weights have margins from 0.001 on.
const tie = 0.2

// Ensure that of each fixture's first 16 greedy ids q8 keeps all that are no ties, on every backend. How many it keeps with ties,
// and q4, is shown.
func TestQuantisedGreedy(t *testing.T) {
	for _, b := range testkit.Backends(t) {
		t.Run(b.Name(), func(t *testing.T) {
			var table strings.Builder
			var all, q8, q4 int
			for _, dir := range testkit.Fixtures(t) {
				if readGolden(t, dir) == nil {
					continue
				}
				t.Run(filepath.Base(dir), func(t *testing.T) {
					kept, widest := readGolden(t, dir).quantised(t, b, backend.Q8)
					fine, _ := readGolden(t, dir).quantised(t, b, backend.Q4)
					fmt.Fprintf(&table, "%-28s q8 %2d of %d, margin lost %.4f; q4 %2d\n", filepath.Base(dir), kept, first, widest, fine)
					all, q8, q4 = all+first, q8+kept, q4+fine
					// Zamba 2's shared blocks magnify any rounding: f32's a thousand times, q8's to a quarter of the logits.
					if widest > tie && filepath.Base(dir) != "zamba2_shared" {
						t.Errorf("q8 loses a greedy id with a margin of %.3g", widest)
					}
				})
			}
			t.Logf("on %s q8 keeps %d of %d, q4 %d\n%s", b.Name(), q8, all, q4, table.String())
		})
	}
}

// first is how many greedy ids of a fixture are compared.
const first = 16

// quantised is how many of the fixture's first greedy ids come out with quantised matrices, each after the reference's before
// it, and the widest margin of those that do not.
func (g *golden) quantised(t *testing.T, b backend.Backend, quant backend.DType) (kept int, widest float32) {
	m := load(t, b, g.dir, g.spec, Options{Quant: quant})
	seq, err := m.NewSequence()
	if err != nil {
		t.Fatal(err)
	}
	defer m.Release(seq)
	logits := rest(t, m, b, seq, g.ids, m.Chunk())
	for i, want := range g.greedy[:first] {
		if got := argmax(logits[len(logits)-g.vocab:]); int64(got) == want {
			kept++
		} else {
			widest = max(widest, g.margin[i])
		}
		logits = rest(t, m, b, seq, []int32{int32(want)}, 1)
	}
	return kept, widest
}

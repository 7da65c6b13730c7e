package model

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/internal/testkit"
)

func TestZZ(t *testing.T) {
	b := testkit.Backends(t)[0]
	q := backend.Q8
	if os.Getenv("ZZ") == "q4" {
		q = backend.Q4
	}
	total, n := 0.0, 0
	for _, dir := range testkit.Fixtures(t) {
		g := readGolden(t, dir)
		if g == nil {
			continue
		}
		m := load(t, b, g.dir, g.spec, Options{Quant: q})
		seq, _ := m.NewSequence()
		logits := rest(t, m, b, seq, g.ids, m.Chunk())
		sum, sd := 0.0, 0.0
		for i := range logits {
			d := float64(logits[i] - g.logits[i])
			sum += d * d
			sd += float64(g.logits[i]) * float64(g.logits[i])
		}
		rms := math.Sqrt(sum / sd)
		worstTie, flips := float32(0), 0
		for i, want := range g.greedy[:16] {
			if got := argmax(logits[len(logits)-g.vocab:]); int64(got) != want {
				flips++
				worstTie = max(worstTie, g.margin[i])
			}
			logits = rest(t, m, b, seq, []int32{int32(want)}, 1)
		}
		total += math.Log(rms)
		n++
		fmt.Printf("%-28s rms/sd %.4f flips %d widest %.4f\n", filepath.Base(dir), rms, flips, worstTie)
	}
	fmt.Printf("geomean %.5f\n", math.Exp(total/float64(n)))
}

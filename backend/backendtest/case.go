package backendtest

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/lrun/lrun/backend"
)

// Case is an operation on operands of certain shapes.
type Case struct {
	Op        string
	Name      string
	Tolerance float64 // of the row's largest value
	parts     bool    // its matrices exceed 24 KiB
	run       func(*rig)
}

// The tolerances: sums of f32 in another order, and rounding to half precision on the way.
const (
	single = 1e-5
	half   = 1e-3
)

// ofCache is the tolerance for what is computed from a cache: halves and their rounding, or what is stored as it is read.
func ofCache(d backend.DType) float64 {
	if d == backend.F16 {
		return half
	}
	return single
}

// Cases is the whole table.
func Cases() []Case {
	var all []Case
	for _, table := range [][]Case{embedCases(), normCases(), LinearCases(), qkvCases(), rotateCases(), recallCases(), attendCases(), blockCases(), expertCases(), sampleCases(), scanCases(), stateSpaceCases()} {
		all = append(all, table...)
	}
	return all
}

// PartCases are cases of matrices larger than 24 KiB, for a backend that must split them.
func PartCases() []Case {
	var all []Case
	for _, c := range Cases() {
		if c.parts {
			all = append(all, c)
		}
	}
	return all
}

// inParts marks a case whose matrices exceed 24 KiB.
func (c Case) inParts() Case {
	c.parts = true
	return c
}

// Conform runs the cases on both backends, one subtest each, and logs the largest error of each operation.
func Conform(t *testing.T, subject, oracle backend.Backend, cases []Case) {
	worst := map[string]float64{}
	var order []string
	for _, c := range cases {
		t.Run(c.Op+"/"+c.Name, func(t *testing.T) {
			got, want := c.on(t, subject), c.on(t, oracle)
			if _, ok := worst[c.Op]; !ok {
				order = append(order, c.Op)
			}
			worst[c.Op] = max(worst[c.Op], compare(t, got, want, c.Tolerance))
		})
	}
	for _, op := range order {
		t.Logf("%-14s largest error %.2g of the row's largest value", op, worst[op])
	}
}

// on runs the case on one backend.
func (c Case) on(t *testing.T, b backend.Backend) []result {
	r := newRig(t, b, c.Op+c.Name)
	defer r.close()
	c.run(r)
	if err := b.Sync(context.Background()); err != nil {
		t.Fatalf("%s: %v", b.Name(), err)
	}
	return r.results
}

// compare reports differences above tolerance and returns the largest.
func compare(t *testing.T, got, want []result, tolerance float64) float64 {
	t.Helper()
	worst := 0.0
	for i, w := range want {
		g := got[i]
		for row := range w.rows {
			e, at := difference(g.rows[row], w.rows[row], w.exact, w.floor)
			if w.codes {
				e, at = misrounded(g.rows[row], w.rows[row])
			}
			if e > tolerance || e > 0 && w.exact {
				t.Errorf("%s[%d][%d] is %s, want %s: off by %.2g of the row's largest value", w.name, row, at,
					spell(g.rows[row][at], w.exact), spell(w.rows[row][at], w.exact), e)
				return e
			}
			worst = max(worst, e)
		}
	}
	return worst
}

func spell(v float32, exact bool) string {
	if exact {
		return fmt.Sprint(math.Float32bits(v))
	}
	return fmt.Sprint(v)
}

// difference is the largest difference of two rows, relative to want's largest value or to floor if that is
// larger, and where it is.
func difference(got, want []float32, exact bool, floor float64) (worst float64, at int) {
	largest := max(floor, 1e-30)
	for _, v := range want {
		if !math.IsInf(float64(v), 0) {
			largest = max(largest, math.Abs(float64(v)))
		}
	}
	for i, w := range want {
		g := got[i]
		if math.Float32bits(g) == math.Float32bits(w) || !exact && g == w {
			continue
		}
		e := math.Abs(float64(g)-float64(w)) / largest
		if exact || math.IsNaN(e) {
			e = math.Inf(1)
		}
		if e > worst {
			worst, at = e, i
		}
	}
	return worst, at
}

// misrounded is infinite where codes differ by more than a step, or by a step in more than one and one in a hundred: sums
// in another order seldom round to another code.
func misrounded(got, want []float32) (e float64, at int) {
	allowed := 1 + len(want)/100
	for i, w := range want {
		if got[i] == w {
			continue
		}
		if allowed--; allowed < 0 || math.Abs(float64(got[i]-w)) > 1 {
			return math.Inf(1), i
		}
	}
	return 0, 0
}

func contains(list, word string) bool { return strings.Contains(list, word) }

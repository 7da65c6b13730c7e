package cpu

import (
	"math"
	"testing"

	"github.com/lrun/lrun/backend"
)

// fixture makes tensors of a backend and runs operations on it.
type fixture struct {
	*testing.T
	b backend.Backend
}

// tensor is [rows][len(data)/rows] with the given contents.
func (t fixture) tensor(rows int, data ...float32) backend.Tensor {
	t.Helper()
	x, err := t.b.NewTensor(rows, len(data)/rows)
	if err != nil {
		t.Fatal(err)
	}
	for i := range rows {
		copy(row(x, i), data[i*x.Cols:])
	}
	return x
}

func (t fixture) do(record func(backend.Ops)) {
	t.Helper()
	if err := t.b.Do(record); err != nil {
		t.Fatal(err)
	}
}

// want compares a tensor with what it should hold, to seven digits.
func (t fixture) want(name string, x backend.Tensor, want ...float64) {
	t.Helper()
	for i, w := range want {
		got := float64(row(x, i/x.Cols)[i%x.Cols])
		if math.Abs(got-w) > 3e-7*(1+math.Abs(w)) {
			t.Errorf("%s[%d] = %.9g, want %.9g", name, i, got, w)
		}
	}
}

// Ensure that the convolution of a short text, and of its end after its beginning, is what it is by hand.
func TestConvVector(t *testing.T) {
	f := fixture{t, Open()}
	start, one, two, three := f.tensor(3, 0, 0, 0), f.tensor(3, 0, 0, 0), f.tensor(3, 0, 0, 0), f.tensor(3, 0, 0, 0)
	x, y := f.tensor(3, 9, 1, 9, 2, 9, 3), f.tensor(3, 0, 0, 0)
	a := backend.Conv{Weight: f.tensor(4, 0.1, 0.2, 0.3, 0.4), Bias: f.tensor(1, 0.05), First: 1, From: start, To: one}
	f.do(func(o backend.Ops) { o.Conv(y, x, a) })
	f.want("y", y, 0.45, 1.15, 2.05)
	f.want("state", one, 1, 2, 3)
	a.Act, a.To = backend.SiLU, two
	f.do(func(o backend.Ops) { o.Conv(y.Slice(0, 1), x.Slice(0, 1), a) })
	a.From, a.To = two, three
	f.do(func(o backend.Ops) { o.Conv(y.Slice(1, 2), x.Slice(1, 2), a) })
	f.want("y", y, 0.274787655, 0.873437554, 1.81619262)
	f.want("state", three, 1, 2, 3)
}

// unsoftplus is the number whose softplus is y.
func unsoftplus(y float64) float32 { return float32(math.Log(math.Expm1(y))) }

// Ensure that Mamba's scan of a short text, with and without a gate, is what it is by hand.
func TestSelectiveScanVector(t *testing.T) {
	f := fixture{t, Open()}
	a := backend.SelectiveScan{
		Delta: f.tensor(3, unsoftplus(0.5), unsoftplus(1), unsoftplus(0.25)),
		BC:    f.tensor(3, 9, 1, 0.5, 1, 1, 9, 0, 1, 1, -1, 9, 1, 1, 0.5, 2), First: 1,
		AD: f.tensor(3, -1, -2, 0.1), From: f.tensor(2, 0, 0), To: f.tensor(2, 0, 0),
	}
	x, y := f.tensor(3, 1, 2, -1), f.tensor(3, 0, 0, 0)
	f.do(func(o backend.Ops) { o.SelectiveScan(y, x, a) })
	f.want("y", y, 0.85, -1.6498941, 1.81379134)
	f.want("h", a.To, -0.106747602, 0.983582569)
	a.Gate, a.Act = f.tensor(3, 0.5, 0.5, 0.5), backend.SiLU
	f.do(func(o backend.Ops) { o.SelectiveScan(y, x, a) })
	f.want("gated y", y, 0.264545216, -0.513495989, 0.564505671)
}

// Ensure that state space duality of a short text is what it is by hand, with reduced retention and insertion too.
func TestSSDVector(t *testing.T) {
	f := fixture{t, Open()}
	a := backend.SSD{Heads: 1, Groups: 1, State: 2,
		Delta: f.tensor(4, unsoftplus(0.5), unsoftplus(1), unsoftplus(0.25), unsoftplus(2)),
		A:     f.tensor(1, -0.5), From: f.tensor(1, 0, 0), To: f.tensor(1, 0, 0)}
	x, y := f.tensor(4, 1, 1, 0.5, 1, 1, 2, 0, 1, 1, -1, -1, 1, 1, 0.5, 2, 0.5, 0.5, -1, 1, 0), f.tensor(4, 0, 0, 0, 0)
	f.do(func(o backend.Ops) { o.SSD(y, x, a) })
	f.want("y", y, 0.75, -1.84836734, 3.30643368, 0.506485977)
	f.want("h", a.To, 0.506485977, -0.393437007)
	a.Retain, a.Insert = float32(math.Log(0.9999)), 0.75
	f.do(func(o backend.Ops) { o.SSD(y, x, a) })
	f.want("reduced h", a.To, 0.37984923, -0.295179323)
}

// Ensure that without Delta it is lightning attention, of one head and of two that decay differently.
func TestLightningVector(t *testing.T) {
	f := fixture{t, Open()}
	q := [][]float32{{1, 1}, {1, 0}, {0, 1}, {1, -1}}
	k := [][]float32{{1, 0}, {0, 1}, {1, 1}, {2, -1}}
	v := [][]float32{{1, 2}, {0, 1}, {-1, 1}, {2, 0}}
	var one, two []float32
	for i := range q {
		one = append(append(append(one, v[i]...), k[i]...), q[i]...)
		for _, part := range [][][]float32{v, k, q} {
			two = append(append(two, part[i]...), part[i]...)
		}
	}
	x, y := f.tensor(4, one...), f.tensor(4, make([]float32, 8)...)
	a := backend.SSD{Heads: 1, Groups: 1, State: 2, A: f.tensor(1, -0.5),
		From: f.tensor(2, 0, 0, 0, 0), To: f.tensor(2, 0, 0, 0, 0)}
	f.do(func(o backend.Ops) { o.SSD(y, x, a) })
	f.want("o", y, 1, 2, 0.60653066, 1.21306132, -1, 1.60653066, 6.22313016, 0.0783808791)
	f.want("S", a.To, 3.6165995, -2.60653066, 1.05279098, 0.974410101) // [value][key]
	x, y = f.tensor(4, two...), f.tensor(4, make([]float32, 16)...)
	a = backend.SSD{Heads: 2, Groups: 2, State: 2, A: f.tensor(1, -30, -0.5),
		From: f.tensor(4, make([]float32, 8)...), To: f.tensor(4, make([]float32, 8)...)}
	f.do(func(o backend.Ops) { o.SSD(y, x, a) })
	f.want("o", y, 1, 2, 1, 2, 0, 0, 0.60653066, 1.21306132, -1, 1, -1, 1.60653066, 6, 0, 6.22313016, 0.0783808791)
}

// Ensure that norms are learned by head, kept, and bound the state of a head that is above its own, and no other.
func TestStateNormVector(t *testing.T) {
	f := fixture{t, Open()}
	h, none := f.tensor(4, 3, 0, 0, 4, 1, 2, 2, 0), f.tensor(1, 0, 0)
	learned, kept := f.tensor(1, 0, 0), f.tensor(1, 0, 0)
	run := func(h backend.Tensor, phase backend.NormPhase, from, to backend.Tensor) {
		f.do(func(o backend.Ops) { o.StateNorm(h, backend.StateNorm{Heads: 2, Phase: phase, From: from, To: to}) })
	}
	run(h, backend.LearnNorms, none, learned)
	f.want("norms", learned, 5, 3)
	f.want("state", h, 3, 0, 0, 4, 1, 2, 2, 0)
	h = f.tensor(4, 6, 8, 0, 0, 1, 1, 1, 1)
	run(h, backend.KeepNorms, learned, kept)
	f.want("kept norms", kept, 5, 3)
	f.want("kept state", h, 6, 8, 0, 0, 1, 1, 1, 1)
	run(h, backend.BoundNorms, learned, kept)
	f.want("norms that bound", kept, 5, 3)
	f.want("bound state", h, 3, 4, 0, 0, 1, 1, 1, 1)
}

// Ensure that each part of a row is normalised by itself, and gated before or after.
func TestPartNormVector(t *testing.T) {
	f := fixture{t, Open()}
	x, y := f.tensor(1, 2, 3, 4, 0, 1), f.tensor(1, 0, 0, 0, 0, 0)
	f.do(func(o backend.Ops) { o.PartNorm(y, x, backend.PartNorm{Lead: 1, Part: 2}) })
	f.want("y", y, 1, 0.848528137, 1.13137085, 0, 1.41421356)
	a := backend.PartNorm{Part: 5, Gate: f.tensor(1, 9, 1, 2, 0, 1, 1), GateFirst: 1, Weight: f.tensor(1, 1, 1, 1, 1, 3)}
	f.do(func(o backend.Ops) { o.PartNorm(y, x, a) })
	f.want("gated after", y, 0.816496581, 2.44948974, 0, 0, 1.22474487)
	a.Before = true
	f.do(func(o backend.Ops) { o.PartNorm(y, x, a) })
	f.want("gated before", y, 0.698430303, 2.09529091, 0, 0, 1.04764545)
}

// Ensure that Griffin's recurrence is what it is by hand, and that its start counts in full.
func TestRGLRUVector(t *testing.T) {
	f := fixture{t, Open()}
	a := backend.RGLRU{Input: f.tensor(2, 0, 0), Recurrence: f.tensor(2, 0, 0), Lambda: f.tensor(1, unsoftplus(0.25)), Start: true,
		From: f.tensor(1, 0), To: f.tensor(1, 0), Mul: f.tensor(2, 2, 2)}
	x, y := f.tensor(2, 4, 6), f.tensor(2, 0, 0)
	f.do(func(o backend.Ops) { o.RGLRU(y, x, a) })
	// σ(0) = ½, so log a = −8·½·0.25 = −1.
	h := 2*math.Exp(-1) + 3*math.Sqrt(1-math.Exp(-2))
	f.want("y", y, 4, 2*h)
	f.want("h", a.To, h)
	a.Start = false
	f.do(func(o backend.Ops) { o.RGLRU(y, x, a) })
	f.want("y", y.Slice(0, 1), 4*math.Sqrt(1-math.Exp(-2)))
}

// Ensure that a block-diagonal product is that of its blocks.
func TestLinearBlocks(t *testing.T) {
	f := fixture{t, Open()}
	w, err := f.b.NewMatrix(backend.F32, 8, 4, 4)
	if err != nil {
		t.Fatal(err)
	}
	weights := words(w.Parts[0].Buf).floats()
	for r := range 8 {
		weights[r*8+r%4] = float32(r + 1)
	}
	x, y := f.tensor(2, 1, 2, 3, 4, 5, 6, 7, 8, 1, 1, 1, 1, 2, 2, 2, 2), f.tensor(2, make([]float32, 16)...)
	f.do(func(o backend.Ops) { o.Linear(y, x, w, backend.Linear{Blocks: 2}) })
	f.want("y", y, 1, 4, 9, 16, 25, 36, 49, 64, 1, 2, 3, 4, 10, 12, 14, 16)
}

// Ensure that operands that do not fit are refused in words.
func TestScansRefuse(t *testing.T) {
	f := fixture{t, Open()}
	two, state := f.tensor(1, 0, 0), f.tensor(3, 0, 0, 0, 0, 0, 0)
	other := f.tensor(3, 0, 0, 0, 0, 0, 0)
	for name, record := range map[string]func(backend.Ops){
		"conv in place": func(o backend.Ops) {
			o.Conv(two, two, backend.Conv{Weight: other, From: state.Slice(0, 2), To: state.Slice(1, 2)})
		},
		"conv of one tap":  func(o backend.Ops) { o.Conv(two, two, backend.Conv{Weight: two, From: state, To: other}) },
		"scan without A":   func(o backend.Ops) { o.SelectiveScan(two, two, backend.SelectiveScan{From: state, To: other}) },
		"ssd of no heads":  func(o backend.Ops) { o.SSD(two, two, backend.SSD{From: state, To: other}) },
		"parts of nothing": func(o backend.Ops) { o.PartNorm(two, two, backend.PartNorm{}) },
		"uneven parts":     func(o backend.Ops) { o.PartNorm(two, two, backend.PartNorm{Part: 2, Lead: 1}) },
		"rglru gates":      func(o backend.Ops) { o.RGLRU(two, two, backend.RGLRU{Lambda: two, From: two, To: other.Slice(0, 1)}) },
	} {
		if err := f.b.Do(record); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

// Ensure that a state which forgets all but its last two tokens is what those alone leave: the vector of Stuffed Mamba's window.
func TestStateWindowVector(t *testing.T) {
	f := fixture{t, Open()}
	delta := f.tensor(4, unsoftplus(0.5), unsoftplus(1), unsoftplus(0.25), unsoftplus(2))
	x, y := f.tensor(4, 1, 1, 0.5, 1, 1, 2, 0, 1, 1, -1, -1, 1, 1, 0.5, 2, 0.5, 0.5, -1, 1, 0), f.tensor(4, 0, 0, 0, 0)
	a := backend.SSD{Heads: 1, Groups: 1, State: 2, A: f.tensor(1, -0.5)}
	state, mark, fade := f.tensor(1, 0, 0), f.tensor(1, 0, 0), f.tensor(1, 0)
	for _, tokens := range [][2]int{{0, 2}, {2, 1}, {3, 1}} {
		from, n := tokens[0], tokens[1]
		a.Delta, a.From, a.To = delta.Slice(from, n), state, f.tensor(1, 0, 0)
		w := backend.StateWindow{Decays: a, Forget: (from+n)%2 == 0, From: mark, To: f.tensor(1, 0, 0), FadeFrom: fade, FadeTo: f.tensor(1, 0)}
		f.do(func(o backend.Ops) {
			o.SSD(y.Slice(from, n), x.Slice(from, n), a)
			o.StateWindow(a.To, w)
		})
		if state, mark, fade = a.To, w.To, w.FadeTo; n == 1 && !w.Forget {
			f.want("fade", fade, -0.125)
		}
	}
	f.want("h", state, 0.40803014, -1.09196986)
	f.want("mark", mark, 0.40803014, -1.09196986)
	f.want("fade", fade, 0)
}

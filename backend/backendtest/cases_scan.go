package backendtest

import (
	"fmt"
	"math"

	"github.com/lrun/lrun/backend"
)

// scanned are the numbers of tokens: few, one tile, tiles ± 1, several.
var scanned = []int{1, 2, 7, 31, 33, 63, 64, 65, 257}

func scanCases() []Case {
	var all []Case
	for i, tokens := range scanned {
		act := activations[i]
		all = append(all,
			conv(tokens, 37, 4, 0, backend.SiLU, true), conv(tokens, 200, 2+i, 5, act, i%2 == 0),
			selectiveScan(tokens, 70, 16, 3, i%2 == 0, backend.SiLU), selectiveScan(tokens, 5, 1+i*11, 0, i%2 == 1, act),
			rglru(tokens, 64, 0, act, i%2 == 0), rglru(tokens, 101, 7, backend.GELUTanh, i%2 == 1),
			partNorm(tokens, 0, 96, 96, act, i%2 == 0), partNorm(tokens, 5, 16, 37, act, i%2 == 1))
	}
	for _, states := range []int{1, 4, 5, 17, 64, 65, 128} {
		all = append(all, selectiveScan(19, 33, states, 1, true, backend.SiLU))
	}
	for _, states := range []int{1, 4, 128} { // as many tokens at once as a device takes: the second call's 8,192
		all = append(all, selectiveScan(12288, 3, states, 1, true, backend.SiLU))
	}
	for phase := range backend.BoundNorms + 1 {
		all = append(all, stateNorm(1, 1, 1, phase), stateNorm(3, 5, 17, phase), stateNorm(24, 64, 128, phase))
	}
	for i, tokens := range scanned {
		all = append(all, stateWindow(tokens, 1+i, 5, 17, i%2 == 0), stateWindow(tokens, 3, 64, 4*(1+i), i%2 == 1))
	}
	return append(append(all, partNorm(3, 1, 1, 4, backend.Identity, false), partNorm(2, 700, 300, 1300, backend.Sigmoid, true),
		conv(65540, 3, 3, 0, backend.SiLU, true)), ssdCases()...)
}

func ssdCases() []Case {
	var all []Case
	for _, tokens := range scanned {
		all = append(all, ssd(tokens, backend.SSD{Heads: 4, Groups: 2, State: 16}, 8, "delta bias d"),
			ssd(tokens, backend.SSD{Heads: 3, Groups: 3, State: 64}, 64, ""),
			ssd(tokens, backend.SSD{Heads: 2, Groups: 1, State: 128, Least: 0.01, Most: 0.8}, 64, "delta bias"),
			ssd(tokens, backend.SSD{Heads: 6, Groups: 2, State: 5, Retain: -0.01, Insert: 0.75}, 3, "delta d"))
	}
	for _, states := range []int{3, 128, 256} {
		all = append(all, ssd(12288, backend.SSD{Heads: 1, Groups: 1, State: states}, 4, "delta"))
	}
	for _, states := range []int{1, 4, 12, 36, 60, 64, 68, 127, 132, 192, 200, 256} {
		for i, width := range []int{1, 4, 20, 128} {
			all = append(all, ssd([]int{2, 17, 40, 100}[i], backend.SSD{Heads: 2, Groups: 1 + i%2, State: states}, width, "delta bias d"))
		}
	}
	return all
}

// handed runs an operation twice, the second time on what is left by the first.
func (r *rig) handed(tokens, rows, cols int, record func(o backend.Ops, first, n int, from, to backend.Tensor)) {
	before, between, after := r.normal(rows, cols, 1), r.normal(rows, cols, 1), r.normal(rows, cols, 1)
	head := (tokens + 1) / 3
	r.do(func(o backend.Ops) {
		if head > 0 {
			record(o, 0, head, before, between)
		} else {
			between = before
		}
		record(o, head, tokens-head, between, after)
	})
	r.show("state", after)
}

func conv(tokens, channels, taps, first int, act backend.Activation, bias bool) Case {
	name := fmt.Sprintf("%d tokens of %d from %d, %d taps, act %d bias %t", tokens, channels, first, taps, act, bias)
	return Case{"conv", name, single, false, func(r *rig) {
		x, dst := r.normal(tokens, first+channels+3, 1), r.normal(tokens, channels, 1)
		a := backend.Conv{Weight: r.normal(taps, channels, 1), First: first, Act: act}
		if bias {
			a.Bias = r.normal(1, channels, 1)
		}
		r.handed(tokens, taps-1, channels, func(o backend.Ops, t, n int, from, to backend.Tensor) {
			a.From, a.To = from, to
			o.Conv(dst.Slice(t, n), x.Slice(t, n), a)
		})
		r.show("y", dst)
	}}
}

func selectiveScan(tokens, channels, states, first int, gated bool, act backend.Activation) Case {
	name := fmt.Sprintf("%d tokens of %d by %d states from %d, gate %t act %d", tokens, channels, states, first, gated, act)
	return Case{"selective_scan", name, single, false, func(r *rig) {
		x, dst, delta := r.normal(tokens, channels, 1), r.normal(tokens, channels, 1), r.normal(tokens, channels, 3)
		bc := r.normal(tokens, first+2*states, 1)
		a := backend.SelectiveScan{AD: r.floats(states+1, channels, r.rates(states*channels, channels)), First: first}
		if gated {
			a.Gate, a.GateFirst, a.Act = r.normal(tokens, channels+first, 1), first, act
		}
		gate := a.Gate
		r.handed(tokens, states, channels, func(o backend.Ops, t, n int, from, to backend.Tensor) {
			a.From, a.To, a.Delta, a.BC = from, to, delta.Slice(t, n), bc.Slice(t, n)
			if gated {
				a.Gate = gate.Slice(t, n)
			}
			o.SelectiveScan(dst.Slice(t, n), x.Slice(t, n), a)
		})
		r.show("y", dst)
		r.mayCancel(states)
	}}
}

// mayCancel tells that the state shown first is sums of products of ones, give or take, and the result shown second of states
// of them, which now and then cancel in a whole row.
func (r *rig) mayCancel(states int) {
	r.results[0].floor, r.results[1].floor = 1, math.Sqrt(float64(states))
}

// rates are n logarithms of decays, −16 to 0, and then m of any sign.
func (r *rig) rates(n, m int) []float32 {
	v := r.draw(n+m, 1)
	for i := range n {
		v[i] = -16 * r.rand.Float32()
	}
	return v
}

// ssd is on heads of width channels; with names the operands that there are.
func ssd(tokens int, a backend.SSD, width int, with string) Case {
	name := fmt.Sprintf("%d tokens of %d heads of %d, %d groups of %d, %s retain %g", tokens, a.Heads, width, a.Groups, a.State, with, a.Retain)
	return Case{"ssd", name, single, false, func(r *rig) {
		cols := a.Heads * width
		x, dst := r.normal(tokens, cols+2*a.Groups*a.State, 1), r.normal(tokens, cols, 1)
		delta := r.normal(tokens, a.Heads+5, 2)
		a.A = r.floats(1, a.Heads, r.rates(a.Heads, 0))
		if contains(with, "bias") {
			a.DeltaBias = r.normal(1, a.Heads, 1)
		}
		if contains(with, " d") {
			a.D = r.normal(1, a.Heads, 1)
		}
		r.handed(tokens, cols, a.State, func(o backend.Ops, t, n int, from, to backend.Tensor) {
			a.From, a.To = from, to
			if contains(with, "delta") {
				a.Delta, a.DeltaFirst = delta.Slice(t, n), 5
			}
			o.SSD(dst.Slice(t, n), x.Slice(t, n), a)
		})
		r.show("y", dst)
		r.mayCancel(a.State)
	}}
}

func stateNorm(heads, width, states int, phase backend.NormPhase) Case {
	name := fmt.Sprintf("%d heads of [%d][%d], phase %d", heads, width, states, phase)
	return Case{"state_norm", name, single, false, func(r *rig) {
		most := make([]float32, heads) // above and below what the norms are
		for h := range most {
			most[h] = float32(math.Sqrt(float64(width*states))) * (0.5 + float32(h%2))
		}
		state, to := r.normal(heads*width, states, 1), r.empty(1, heads)
		a := backend.StateNorm{Heads: heads, Phase: phase, From: r.floats(1, heads, most), To: to}
		r.do(func(o backend.Ops) { o.StateNorm(state, a) })
		r.show("state", state)
		r.show("norms", to)
	}}
}

func stateWindow(tokens, heads, width, states int, forget bool) Case {
	name := fmt.Sprintf("%d tokens of %d heads of [%d][%d], forget %t", tokens, heads, width, states, forget)
	return Case{"state_window", name, single, false, func(r *rig) {
		rates := r.rates(heads, 0)
		for h := range rates { // so that something is left
			rates[h] /= float32(16 * tokens)
		}
		d := backend.SSD{Heads: heads, Delta: r.normal(tokens, heads+3, 2), DeltaFirst: 3, A: r.floats(1, heads, rates), Least: 0.001}
		if forget {
			d.DeltaBias, d.Retain = r.normal(1, heads, 1), -0.001
		}
		state, from, to := r.normal(heads*width, states, 1), r.normal(heads*width, states, 1), r.empty(heads*width, states)
		fade := r.empty(1, heads)
		a := backend.StateWindow{Decays: d, Forget: forget, From: from, To: to, FadeFrom: r.floats(1, heads, rates), FadeTo: fade}
		r.do(func(o backend.Ops) { o.StateWindow(state, a) })
		r.show("state", state)
		r.show("mark", to)
		r.show("fade", fade)
	}}
}

func partNorm(tokens, lead, part, cols int, act backend.Activation, before bool) Case {
	name := fmt.Sprintf("[%d][%d] in %d and %ds, act %d before %t", tokens, cols, lead, part, act, before)
	return Case{"part_norm", name, single, false, func(r *rig) {
		x, dst := r.normal(tokens, cols, 2), r.normal(tokens, cols, 1)
		a := backend.PartNorm{Eps: 1e-5, Lead: lead, Part: part, Act: act, Before: before}
		r.do(func(o backend.Ops) { o.PartNorm(dst, x, a) })
		r.show("bare", dst)
		a.Weight, a.Gate, a.GateFirst = r.normal(1, cols, 1), r.normal(tokens, cols+3, 1), 3
		r.do(func(o backend.Ops) { o.PartNorm(dst, x, a) })
		r.show("gated", dst)
	}}
}

func rglru(tokens, channels, first int, act backend.Activation, start bool) Case {
	name := fmt.Sprintf("%d tokens of %d from %d, act %d start %t", tokens, channels, first, act, start)
	return Case{"rglru", name, single, false, func(r *rig) {
		x, dst, input := r.normal(tokens, channels, 1), r.normal(tokens, channels, 1), r.normal(tokens, channels, 2)
		recurrence, mul := r.normal(tokens, channels, 2), r.normal(tokens, first+channels, 1)
		a := backend.RGLRU{Lambda: r.normal(1, channels, 4), MulFirst: first, Act: act}
		r.handed(tokens, 1, channels, func(o backend.Ops, t, n int, from, to backend.Tensor) {
			a.From, a.To, a.Input, a.Recurrence, a.Start = from, to, input.Slice(t, n), recurrence.Slice(t, n), start && t == 0
			if start {
				a.Mul = mul.Slice(t, n)
			}
			o.RGLRU(dst.Slice(t, n), x.Slice(t, n), a)
		})
		r.show("y", dst)
	}}
}

// blockLinear is a product with a block-diagonal matrix.
func blockLinear(d backend.DType, tokens, blocks, rows, cols int) Case {
	name := fmt.Sprintf("%s %d tokens by %d blocks of %dx%d", d, tokens, blocks, rows, cols)
	return Case{"linear", name, single, false, func(r *rig) {
		x, w, dst := r.normal(tokens, blocks*cols, 1), r.matrix(d, blocks*rows, cols, rows, 0.5), r.empty(tokens, blocks*rows)
		a := backend.Linear{Blocks: blocks, Bias: r.normal(1, blocks*rows, 1)}
		r.do(func(o backend.Ops) { o.Linear(dst, x, w, a) })
		r.show("y", dst)
	}}
}

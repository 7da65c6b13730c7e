package backendtest

import (
	"math"
	"testing"

	"github.com/lrun/lrun/backend"
)

// longRoom is how many different tokens a long text is made of; it is read in steps from varying places.
const longRoom = 1 << 13

// LongTokens is how many tokens LongScans is to take: a million, or with -short a few.
func LongTokens() int {
	if testing.Short() {
		return 50_000
	}
	return 1_000_000
}

// LongScans holds state space duality over so many tokens, in the forms of Mamba-2 and of lightning attention, against the
// same sums in double precision: the state and the last results must agree to a thousandth, and be finite.
func LongScans(t *testing.T, b backend.Backend, tokens int) {
	// Decays of a token from a half down to one that a whole text hardly notices: the last head of MiniMax's last layer.
	lightning := []float32{-0.917, -0.0039, -9.28611688e-06}
	for _, c := range []struct {
		name  string
		rates []float32
		delta bool
	}{{"mamba2", []float32{-16, -1, -0.02}, true}, {"lightning", lightning, false}} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, b, c.name)
			defer r.close()
			l := newLong(r, c.rates, c.delta)
			last := l.run(tokens)
			r.show("state", l.a.From)
			r.show("y", l.dst.Slice(last, 1))
			l.check(t)
		})
	}
}

const longWidth, longStates = 8, 16

// long is the operands of a long scan, and their state in double precision.
type long struct {
	r      *rig
	a      backend.SSD
	x, dst backend.Tensor
	delta  backend.Tensor
	inputs []float32
	steps  []float32
	rates  []float32
	state  []float64
	y      []float64
}

func newLong(r *rig, rates []float32, delta bool) *long {
	heads := len(rates)
	l := &long{r: r, rates: rates, state: make([]float64, heads*longWidth*longStates), y: make([]float64, heads*longWidth)}
	l.a = backend.SSD{Heads: heads, Groups: heads, State: longStates, A: r.floats(1, heads, rates)}
	cols := heads * (longWidth + 2*longStates)
	if delta {
		l.a.Groups = 1
		cols = heads*longWidth + 2*longStates
		l.steps = r.draw(longRoom*heads, 1)
		for i := range l.steps {
			l.steps[i] -= 3 // a step of 0.05, give or take
		}
		l.delta = r.floats(longRoom, heads, l.steps)
	}
	l.inputs = r.draw(longRoom*cols, 0.5)
	for i, v := range l.inputs {
		l.inputs[i] = v / (1 + float32(math.Exp(-float64(v)))) // as after SiLU
	}
	l.x, l.dst = r.floats(longRoom, cols, l.inputs), r.empty(longRoom, heads*longWidth)
	l.a.From, l.a.To = r.empty(heads*longWidth, longStates), r.empty(heads*longWidth, longStates)
	return l
}

// run takes tokens in steps of varying length, the last tenth of them in short ones as when tokens are generated, and returns
// the row of the last.
func (l *long) run(tokens int) (last int) {
	lengths := []int{1024, 1, 1000, 256, 3, 2048}
	few := tokens / 10
	for i := 0; tokens > 0; i++ {
		n := min(lengths[i%len(lengths)], tokens)
		if tokens <= few {
			n = min(8, tokens)
		}
		first := i * 1237 % (longRoom - n)
		l.a.From, l.a.To = l.a.To, l.a.From
		if l.steps != nil {
			l.a.Delta = l.delta.Slice(first, n)
		}
		l.r.do(func(o backend.Ops) { o.SSD(l.dst.Slice(first, n), l.x.Slice(first, n), l.a) })
		for t := first; t < first+n; t++ {
			l.step(t)
		}
		tokens -= n
		last = first + n - 1
	}
	l.a.From = l.a.To
	return last
}

// step is a token in double precision.
func (l *long) step(t int) {
	heads, cols := len(l.rates), l.x.Cols
	x := l.inputs[t*cols:][:cols]
	for i := range l.y {
		h := i / longWidth
		delta := 1.0
		if l.steps != nil {
			delta = math.Log1p(math.Exp(float64(l.steps[t*heads+h])))
		}
		group := h % l.a.Groups
		b := x[heads*longWidth+group*longStates:]
		c := x[heads*longWidth+(l.a.Groups+group)*longStates:]
		decay, in := math.Exp(delta*float64(l.rates[h])), delta*float64(x[i])
		l.y[i] = 0
		for n := range longStates {
			s := &l.state[i*longStates+n]
			*s = decay**s + in*float64(b[n])
			l.y[i] += *s * float64(c[n])
		}
	}
}

// check compares the state, head by head, and the last results.
func (l *long) check(t *testing.T) {
	t.Helper()
	state, y := l.r.results[0].rows, l.r.results[1].rows[0]
	for h := range l.rates {
		var got []float32
		for _, row := range state[h*longWidth : (h+1)*longWidth] {
			got = append(got, row...)
		}
		l.near(t, "state", h, got, l.state[h*longWidth*longStates:])
		l.near(t, "y", h, y[h*longWidth:(h+1)*longWidth], l.y[h*longWidth:])
	}
}

// near reports values that are off by a thousandth of the largest.
func (l *long) near(t *testing.T, what string, head int, got []float32, want []float64) {
	t.Helper()
	largest, worst := 0.0, 0.0
	for i, g := range got {
		largest = max(largest, math.Abs(want[i]))
		if e := math.Abs(float64(g) - want[i]); !(e <= worst) {
			worst = e
		}
	}
	t.Logf("%s of the head that decays by e^%g: off by %.2g of %.3g", what, l.rates[head], worst/largest, largest)
	if !(worst <= 1e-3*largest) {
		t.Errorf("%s of head %d is off by %.2g of its largest value", what, head, worst/largest)
	}
}

package model

import (
	"fmt"

	"github.com/lrun/lrun/backend"
)

// Mixer declares how a layer mixes tokens without looking back at them: by states of constant size, which it carries from
// one token to the next.
type Mixer interface {
	// States are rows and columns of what is carried, zeros before the first token.
	States() [][2]int

	// check finds sizes that no backend can run.
	check() error
	// widths are the columns of the tensors that the layer fills on the way, of a row a token.
	widths() []int
	// plan plans the tensors of the checkpoint.
	plan(l *loader) mixer
}

// mixer is a Mixer with its weights.
type mixer interface {
	// run makes y of h, both [tokens][dim].
	run(o backend.Ops, p *passage, y, h backend.Tensor)
}

// passage is what a mixer works with in a step.
type passage struct {
	room    []backend.Tensor // [tokens][widths], of all texts
	carried []carried        // what each text carries
}

// carried is a text's share of a passage.
type carried struct {
	*text
	at       int              // the position of its first token
	from, to []backend.Tensor // the states before and after
}

// passage is that of layer i, good until the next one's.
func (in *step) passage(s *scratch, i int) *passage {
	p := &s.passage
	p.room, p.carried = p.room[:0], p.carried[:0]
	for k := range in.texts {
		t := &in.texts[k]
		from, to := t.Seq.States(i)
		p.carried = append(p.carried, carried{t, t.Seq.Len() - t.n, from, to})
	}
	for _, t := range s.mixing[i] {
		p.room = append(p.room, in.rows(t))
	}
	return p
}

// ShortConv declares a causal convolution of each channel by itself, over the last Kernel tokens.
type ShortConv struct {
	Name             string // [channels][1][kernel]
	Channels, Kernel int
	Bias             bool
	Act              backend.Activation
}

// state is what a convolution carries: the tokens that came before.
func (c ShortConv) state() [2]int { return [2]int{c.Kernel - 1, c.Channels} }

// shortConv is a ShortConv with its weights.
type shortConv struct {
	spec         ShortConv
	weight, bias backend.Tensor
}

func (c ShortConv) check() error {
	if c.Kernel < 2 || c.Channels > largest {
		return fmt.Errorf("a convolution of %d channels over %d tokens: want at least 2, and at most %d channels", c.Channels, c.Kernel, largest)
	}
	return nil
}

func (s ShortConv) plan(l *loader) *shortConv {
	c := &shortConv{spec: s}
	l.table(&c.weight, s.Name+".weight", s.Kernel, s.Channels, func(v []float32) []float32 { return transposed(v, s.Channels, s.Kernel) })
	if s.Bias {
		l.table(&c.bias, s.Name+".bias", 1, s.Channels, nil)
	}
	return c
}

// run convolves the columns of x from number first on.
func (c *shortConv) run(o backend.Ops, dst, x backend.Tensor, first int, p *passage) {
	for _, t := range p.carried {
		o.Conv(t.rows(dst), t.rows(x), backend.Conv{Weight: c.weight, Bias: c.bias, First: first, Act: c.spec.Act, From: t.from[0], To: t.to[0]})
	}
}

// transposed is [rows][cols] as [cols][rows].
func transposed(v []float32, rows, cols int) []float32 {
	t := make([]float32, len(v))
	for r := range rows {
		for c := range cols {
			t[c*rows+r] = v[r*cols+c]
		}
	}
	return t
}

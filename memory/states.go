package memory

import (
	"fmt"
	"slices"

	"github.com/lrun/lrun/backend"
)

// State is what layers without keys carry from one step to the next. It is a value: a step reads one and writes another, so
// that a step which fails, or is repeated, loses nothing, and forks share what is the same.
type State struct {
	at     int  // tokens of the text up to here
	turn   bool // a prompt or an answer ends here
	refs   int
	layers [][]backend.Tensor // of each layer, in the order of its shape's States
}

// A sequence keeps the last states, so that tokens which were made ahead can be taken back, and of older ones those where a
// prompt or an answer ended: what is read anew begins there.
const (
	lastStates = 4
	turnStates = 4
)

// MostStates is how many states a sequence keeps at most, the one that a step writes included.
const MostStates = lastStates + turnStates + 1

// states are a pool's: they are handed out again when nobody holds them any more.
type states struct {
	b      backend.Backend
	shapes []Shape
	free   []*State
	made   []*State
	zero   *State // before the first token; nil where no layer has any
}

func newStates(b backend.Backend, shapes []Shape) (*states, error) {
	p := &states{b: b, shapes: shapes}
	if !slices.ContainsFunc(shapes, func(s Shape) bool { return s.States != nil }) {
		return p, nil
	}
	var err error
	p.zero, err = p.make()
	return p, err
}

// make makes one with zeros.
func (p *states) make() (*State, error) {
	s := &State{layers: make([][]backend.Tensor, len(p.shapes))}
	for i, shape := range p.shapes {
		for _, z := range shape.States {
			t, err := p.b.NewTensor(z[0], z[1])
			if err != nil {
				s.release()
				return nil, fmt.Errorf("state of layer %d: %w", i, err)
			}
			s.layers[i] = append(s.layers[i], t)
		}
	}
	p.made = append(p.made, s)
	return s, nil
}

func (s *State) release() {
	for _, layer := range s.layers {
		for _, t := range layer {
			t.Buf.Release()
		}
	}
}

// take is a state that nobody holds; what it contains is yet to be written.
func (p *states) take() (*State, error) {
	if n := len(p.free); n > 0 {
		s := p.free[n-1]
		p.free, s.refs = p.free[:n-1], 1
		return s, nil
	}
	s, err := p.make()
	if err != nil {
		return nil, err
	}
	s.refs = 1
	return s, nil
}

// give takes an owner from states.
func (p *states) give(all ...*State) {
	for _, s := range all {
		if s.refs--; s.refs == 0 {
			p.free = append(p.free, s)
		}
	}
}

func (p *states) release() {
	for _, s := range p.made {
		s.release()
	}
	p.made, p.free, p.zero = nil, nil, nil
}

// history are the states that a sequence keeps, rising; the last is that of its end, unless it is empty.
type history struct {
	pool *states
	all  []*State
}

// extend adds the state after the next step, which leaves at tokens.
func (h *history) extend(at int) error {
	if h.pool.zero == nil {
		return nil
	}
	h.prune()
	s, err := h.pool.take()
	if err != nil {
		return err
	}
	s.at, s.turn = at, false
	h.all = append(h.all, s)
	return nil
}

// prune gives up what need not be kept.
func (h *history) prune() {
	old := max(0, len(h.all)-lastStates)
	var turns []*State
	for _, s := range h.all[:old] {
		if s.turn {
			turns = append(turns, s)
		} else {
			h.pool.give(s)
		}
	}
	if n := len(turns) - turnStates; n > 0 {
		h.pool.give(turns[:n]...)
		turns = turns[n:]
	}
	h.all = append(turns, h.all[old:]...)
}

// latest is how many of n tokens there is a state for.
func (h *history) latest(n int) int {
	if h.pool.zero == nil {
		return n
	}
	for i := len(h.all) - 1; i >= 0; i-- {
		if h.all[i].at <= n {
			return h.all[i].at
		}
	}
	return 0
}

// truncate gives up the states of more than n tokens.
func (h *history) truncate(n int) {
	for len(h.all) > 0 && h.all[len(h.all)-1].at > n {
		last := len(h.all) - 1
		h.pool.give(h.all[last])
		h.all = h.all[:last]
	}
}

// fork is another owner of the same states.
func (h *history) fork() history {
	for _, s := range h.all {
		s.refs++
	}
	return history{h.pool, slices.Clone(h.all)}
}

// before is the state that the step which writes the last one reads.
func (h *history) before() *State {
	if len(h.all) < 2 {
		return h.pool.zero
	}
	return h.all[len(h.all)-2]
}

// Turn notes that a prompt or an answer ends with the tokens that the sequence has.
func (s *Sequence) Turn() {
	if n := len(s.history.all); n > 0 {
		s.history.all[n-1].turn = true
	}
}

// States are what layer i reads in the step at hand, and where it leaves what comes after: none where its shape has none.
func (s *Sequence) States(i int) (from, to []backend.Tensor) {
	if s.history.pool.zero == nil || len(s.history.all) == 0 {
		return nil, nil
	}
	return s.history.before().layers[i], s.history.all[len(s.history.all)-1].layers[i]
}

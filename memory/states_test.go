package memory

import (
	"errors"
	"slices"
	"testing"

	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/backend/cpu"
)

// carrying is a pool for a layer with states beside one with keys.
func carrying(t *testing.T) *Pool {
	t.Helper()
	b := cpu.Open()
	p, err := NewPool(b, backend.F32, []Shape{{States: [][2]int{{3, 5}, {2, 7}}}, {Heads: 1, KVHeads: 1, HeadDim: 4}}, Full{}, 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Release()
		if b.Memory() != 0 {
			t.Errorf("%d bytes are still held", b.Memory())
		}
	})
	return p
}

// Ensure that a sequence keeps a bounded number of states, those of its last steps and of the ends of some turns among
// them, and that a truncated one goes back to the nearest.
func TestStatesKept(t *testing.T) {
	p := carrying(t)
	s := p.sequence(t)
	grow := func(steps int) {
		for range steps {
			if err := s.Extend(1); err != nil {
				t.Fatal(err)
			}
			from, to := s.States(0)
			if len(from) != 2 || len(to) != 2 || from[0].Buf == to[0].Buf || from[1].Buf == to[1].Buf {
				t.Fatalf("a step reads %v and writes %v", from, to)
			}
			if n := len(s.history.all); n > MostStates {
				t.Fatalf("%d states are kept", n)
			}
		}
	}
	for range 20 {
		grow(30)
		s.Turn()
	}
	if n := len(p.states.made); n > MostStates+1 {
		t.Errorf("%d states were made, the zeros included, want at most %d", n, MostStates+1)
	}
	grow(10)
	var at []int
	for _, state := range s.history.all {
		at = append(at, state.at)
	}
	if want := []int{510, 540, 570, 600, 606, 607, 608, 609, 610}; !slices.Equal(at, want) {
		t.Errorf("states of %v tokens are kept, want %v", at, want)
	}
	for _, try := range [][2]int{{609, 609}, {605, 600}, {599, 570}, {500, 0}} {
		if s.Truncate(try[0]); s.Len() != try[1] {
			t.Errorf("truncated to %d, %d tokens are left, want %d", try[0], s.Len(), try[1])
		}
	}
	s.Release()
	if len(p.states.free) != len(p.states.made)-1 {
		t.Errorf("%d of %d states are free", len(p.states.free), len(p.states.made))
	}
}

// Ensure that forks share their states, and that none is handed out again while one of them holds it.
func TestStatesOfForks(t *testing.T) {
	p := carrying(t)
	s := p.sequence(t)
	for range 5 {
		if err := s.Extend(3); err != nil {
			t.Fatal(err)
		}
	}
	f, err := s.Fork()
	if err != nil {
		t.Fatal(err)
	}
	_, last := f.States(0)
	s.Release()
	other := p.sequence(t)
	for range 30 {
		if err := other.Extend(1); err != nil {
			t.Fatal(err)
		}
		if _, to := other.States(0); to[0].Buf == last[0].Buf {
			t.Fatal("a fork's state is written by another sequence")
		}
	}
	if err := f.Extend(1); err != nil {
		t.Fatal(err)
	}
	if from, _ := f.States(0); from[0].Buf != last[0].Buf {
		t.Error("a fork does not go on from its state")
	}
}

// few is a backend that makes so many tensors more.
type few struct {
	backend.Backend
	left int
}

func (f *few) NewTensor(rows, cols int) (backend.Tensor, error) {
	if f.left--; f.left < 0 {
		return backend.Tensor{}, errors.New("no room")
	}
	return f.Backend.NewTensor(rows, cols)
}

// Ensure that a device without room for another state leaves the sequence as it was, and nothing behind.
func TestStatesWithoutRoom(t *testing.T) {
	b := &few{Backend: cpu.Open()}
	shapes := []Shape{{States: [][2]int{{3, 5}, {2, 7}}}}
	if _, err := NewPool(b, backend.F32, shapes, Full{}, 1); err == nil || b.Memory() != 0 {
		t.Errorf("error %v, %d bytes are held", err, b.Memory())
	}
	b.left = 5 // of the zeros, of one step, and one more
	p, err := NewPool(b, backend.F32, shapes, Full{}, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Release()
	s := p.sequence(t)
	if err := s.Extend(7); err != nil {
		t.Fatal(err)
	}
	before := b.Memory()
	for range 3 {
		if err := s.Extend(1); err == nil || s.Len() != 7 || b.Memory() != before {
			t.Errorf("error %v, %d tokens, %d bytes where there were %d", err, s.Len(), b.Memory(), before)
		}
		b.left = 1
	}
	b.left = 2
	if err := s.Extend(1); err != nil {
		t.Error(err)
	}
}

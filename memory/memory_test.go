package memory

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/backend/cpu"
)

func newPool(t *testing.T, tokens int, policy Policy) (*Pool, backend.Backend) {
	t.Helper()
	b := cpu.Open()
	p, err := NewPool(b, backend.F32, []Shape{{Heads: 1, KVHeads: 1, HeadDim: 4}, {Heads: 2, KVHeads: 2, HeadDim: 8}}, policy, tokens)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Release()
		if b.Memory() != 0 {
			t.Errorf("%d bytes are still held", b.Memory())
		}
	})
	return p, b
}

func (p *Pool) sequence(t *testing.T) *Sequence {
	t.Helper()
	s, err := p.NewSequence()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Ensure that under random growth and truncation no slot belongs to two live tokens, and that all pages come back.
func TestSlotsNeverOverlap(t *testing.T) {
	p, _ := newPool(t, 1, Full{})
	random := rand.New(rand.NewPCG(1, 2))
	seqs := []*Sequence{p.sequence(t), p.sequence(t), p.sequence(t)}
	for range 500 {
		s := seqs[random.IntN(len(seqs))]
		if random.IntN(3) == 0 {
			s.Truncate(random.IntN(s.Len() + 1))
		} else if err := s.Extend(random.IntN(40)); err != nil {
			t.Fatal(err)
		}
		owner := map[uint32]int{}
		for i, s := range seqs {
			for _, slot := range s.Slots(nil, 0, s.Len()) {
				if other, taken := owner[slot]; taken {
					t.Fatalf("slot %d belongs to sequences %d and %d", slot, other, i)
				}
				if int(slot) >= p.pages*Page {
					t.Fatalf("slot %d of a pool of %d", slot, p.pages*Page)
				}
				owner[slot] = i
			}
		}
	}
	for _, s := range seqs {
		s.Truncate(0)
	}
	slices.Sort(p.free)
	if len(p.free) != p.pages || len(slices.Compact(p.free)) != p.pages {
		t.Errorf("%d of %d pages came back", len(p.free), p.pages)
	}
}

// Ensure that a view names exactly the keys that its queries may see, in order, for any window.
func TestViewNamesTheKeysInSight(t *testing.T) {
	p, _ := newPool(t, 64, Full{})
	s := p.sequence(t)
	var v backend.View
	for _, n := range []int{1, 15, 16, 17, 1, 3, 30} {
		if err := s.Extend(n); err != nil {
			t.Fatal(err)
		}
		slots := s.Slots(nil, 0, s.Len())
		for _, window := range []int{0, 1, 5, 16, 17, 64} {
			s.View(&v, n, window)
			for q := s.Len() - n; q < s.Len(); q++ {
				var want []uint32
				for j := range q + 1 {
					if window == 0 || j > q-window {
						want = append(want, slots[j])
					}
				}
				if got := seen(&v, q); !slices.Equal(got, want) {
					t.Fatalf("query %d of %d, window %d sees %v, want %v", q, s.Len(), window, got, want)
				}
			}
		}
	}
}

// seen are the slots that a query at position q sees, by the definition of a view.
func seen(v *backend.View, q int) []uint32 {
	var slots []uint32
	for _, s := range v.Segments {
		for i := range s.Count {
			pos := s.Pos + i
			if s.Causal && pos > q-s.Least || s.Window > 0 && pos <= q-s.Window {
				continue
			}
			at := s.First + i
			slots = append(slots, s.Pages[at/Page]*Page+uint32(at%Page))
		}
	}
	return slots
}

package memory

import (
	"fmt"
	"slices"

	"github.com/lrun/lrun/backend"
)

// blocks are the blocks of one sequence (see InfLLM). Block b is raw page b after those of the first tokens, as long as
// that is on the device, and place b of the representatives.
type blocks struct {
	InfLLM
	pool        *Pool
	formed      int              // how many there are
	represented int              // of these, those that have their representatives
	reps        []uint32         // pages of the pool of representatives
	mass        []backend.Tensor // a layer: [heads][ring], the attention that the last tokens received; none where nothing is looked up
	chosen      []uint32         // the pages of the blocks that a step looks up
	cache       *cache           // nil: all blocks stay on the device
}

func newBlocks(p *Pool, l InfLLM) (*blocks, error) {
	b := &blocks{InfLLM: l, pool: p, chosen: make([]uint32, l.TopK)}
	if l.MaxCachedBlock > 0 {
		b.cache = newCache(p, l)
	}
	ring := l.NLocal + l.BlockSize + 2*l.ExcBlockSize + slack
	for i, s := range p.shapes {
		var t backend.Tensor
		if s.seesAll() {
			var err error
			if t, err = p.b.NewTensor(s.Heads, ring); err != nil {
				b.release()
				return nil, fmt.Errorf("attention mass of layer %d: %w", i, err)
			}
		}
		b.mass = append(b.mass, t)
	}
	return b, nil
}

// fork shares what is in pages; the masses are the caller's to copy.
func (b *blocks) fork() (*blocks, error) {
	f, err := newBlocks(b.pool, b.InfLLM)
	if err != nil {
		return nil, err
	}
	f.formed, f.represented, f.reps = b.formed, b.represented, slices.Clone(b.reps)
	b.pool.reps.keep(f.reps)
	if b.cache != nil {
		f.cache.share(b.cache)
	}
	return f, nil
}

func (b *blocks) release() {
	for _, t := range b.mass {
		if !t.IsNone() {
			t.Buf.Release()
		}
	}
	if b.cache != nil {
		b.cache.release()
	}
}

// form makes blocks of what has left the last tokens.
func (b *blocks) form(s *Sequence) error {
	until := max(b.formed, b.Blocks(s.len))
	if until > b.formed {
		if err := s.own(b.reps, b.formed, true); err != nil {
			return err
		}
	}
	if err := b.pool.reps.takeFor(&b.reps, until); err != nil {
		return err
	}
	b.formed = until
	return nil
}

// unform takes back the blocks that a sequence of n tokens does not have, and reports whether it can: not when their
// tokens have left the device.
func (b *blocks) unform(s *Sequence, n int) bool {
	until := b.Blocks(n)
	if until >= b.formed {
		return true
	}
	if n > 0 && b.cache != nil && until < b.cache.stored {
		return false
	}
	b.formed, b.represented = until, min(b.represented, until)
	first := b.pool.reps.pagesOf(until)
	b.pool.reps.give(b.reps[first:]...)
	b.reps = b.reps[:first]
	if b.cache != nil && n == 0 {
		b.cache.clear()
	}
	return true
}

// Lookup is how many blocks the next step looks up in each layer that sees all.
func (s *Sequence) Lookup() int {
	if s.blocks == nil {
		return 0
	}
	return min(s.blocks.TopK, s.blocks.formed)
}

// Blocks is how many blocks the sequence has.
func (s *Sequence) Blocks() int {
	if s.blocks == nil {
		return 0
	}
	return s.blocks.formed
}

// Mass is where the attention that the last tokens receive in layer i adds up: f32 [heads][ring]; none where blocks are not
// looked up.
func (s *Sequence) Mass(i int) backend.Tensor {
	if s.blocks == nil {
		return backend.Tensor{}
	}
	return s.blocks.mass[i]
}

// New appends, for each block without representatives, its slot there, then for each its page, then the position of its
// first token, and says how many there are.
func (s *Sequence) New(dst []uint32) ([]uint32, int) {
	if s.blocks == nil {
		return dst, 0
	}
	b := s.blocks
	first, last := b.represented, b.formed
	dst = b.pool.reps.slots(dst, b.reps, first, last)
	at := b.pool.pagesOf(b.NInit)
	dst = append(dst, s.raw[at+first:at+last]...)
	for i := first; i < last; i++ {
		dst = append(dst, uint32(b.NInit+i*b.BlockSize))
	}
	return dst, last - first
}

// MostNew is how many blocks a step of n tokens finds without representatives, at most.
func MostNew(p Policy, n int) int {
	if l, ok := p.(InfLLM); ok {
		return n/l.BlockSize + 2
	}
	return 0
}

// Represented notes that all blocks have their representatives: a step is done.
func (s *Sequence) Represented() {
	if s.blocks != nil {
		s.blocks.represented = s.blocks.formed
	}
}

// Choice sets v to what a look-up in layer i chooses from: the representatives, and where the blocks are; cached says how,
// see backend.Lookup.
func (s *Sequence) Choice(v *backend.View, i int) (cached bool) {
	b := s.blocks
	v.Segments = append(v.Segments[:0], backend.Segment{Pages: b.reps, Count: b.formed})
	raw := s.raw[b.pool.pagesOf(b.NInit):][:b.formed]
	if b.cache == nil {
		v.Segments = append(v.Segments, backend.Segment{Pages: raw})
		return false
	}
	v.Segments = append(v.Segments, backend.Segment{Pages: b.cache.pairs(i, raw)})
	return true
}

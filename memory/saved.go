package memory

import (
	"fmt"
	"slices"
)

// Saved is a sequence without the contents of its pages. Pages are numbered in the order in which their contents are saved;
// −1 stands for one that is not held.
type Saved struct {
	Len, Left, Held int
	Count           int // pages whose contents are saved
	Pages, Raw      []int32

	Formed, Represented int // blocks
	Reps                int // pages of representatives
	Stored              int // blocks whose contents follow from the store, of every layer
}

// Save describes the sequence, and lists the pages whose contents are to be saved, and those of representatives.
func (s *Sequence) Save() (v Saved, pages, reps []uint32) {
	number := map[uint32]int32{}
	list := func(all []uint32) []int32 {
		numbers := make([]int32, len(all))
		for i, p := range all {
			if p == gone {
				numbers[i] = -1
				continue
			}
			if _, ok := number[p]; !ok {
				number[p] = int32(len(pages))
				pages = append(pages, p)
			}
			numbers[i] = number[p]
		}
		return numbers
	}
	v = Saved{Len: s.len, Left: s.left, Held: s.held, Pages: list(s.pages), Raw: list(s.raw)}
	v.Count = len(pages)
	if b := s.blocks; b != nil {
		v.Formed, v.Represented, v.Reps = b.formed, b.represented, len(b.reps)
		reps = slices.Clone(b.reps)
		if b.cache != nil {
			v.Stored = b.cache.stored
		}
	}
	return v, pages, reps
}

// check says what cannot be in a description, or nil.
func (v *Saved) check(p *Pool) error {
	s := Sequence{pool: p, policy: p.policy}
	raw := 0
	if most := min(v.Len, p.policy.raws()); most > 0 {
		raw = p.pagesOf(s.rawAt(most-1) + 1)
	}
	blocks := 0
	if l, ok := p.policy.(InfLLM); ok {
		blocks = l.Blocks(v.Len)
	}
	switch {
	case v.Len < 0 || v.Left < 0 || v.Held < 0 || v.Held > v.Len || v.Count < 0:
		return fmt.Errorf("%d tokens, %d left, held from %d on, in %d pages", v.Len, v.Left, v.Held, v.Count)
	case len(v.Pages) != p.pagesOf(v.Len) || len(v.Raw) != raw:
		return fmt.Errorf("%d pages and %d raw ones for %d tokens, want %d and %d", len(v.Pages), len(v.Raw), v.Len, p.pagesOf(v.Len), raw)
	case v.Formed < 0 || v.Formed > blocks || v.Represented < 0 || v.Represented > v.Formed || v.Stored < 0 || v.Stored > v.Represented:
		return fmt.Errorf("%d blocks, %d represented, %d stored, of %d tokens", v.Formed, v.Represented, v.Stored, v.Len)
	case p.reps == nil && v.Reps != 0 || p.reps != nil && v.Reps != p.reps.pagesOf(v.Formed):
		return fmt.Errorf("%d pages of representatives for %d blocks", v.Reps, v.Formed)
	}
	for i, n := range append(slices.Clone(v.Pages), v.Raw...) {
		if n < -1 || int(n) >= v.Count {
			return fmt.Errorf("page %d is number %d of %d", i, n, v.Count)
		}
	}
	return nil
}

// Restore makes a sequence as Saved describes it, and lists the pages, and those of representatives, into which the saved
// contents are to be put. Stored blocks are added with Restored.
func (p *Pool) Restore(v Saved) (s *Sequence, pages, reps []uint32, err error) {
	if err := v.check(p); err != nil {
		return nil, nil, nil, err
	}
	if s, err = p.NewSequence(); err != nil {
		return nil, nil, nil, err
	}
	err = p.takeFor(&pages, v.Count*p.page)
	if err == nil && v.Len+v.Left > 0 {
		err = s.history.extend(v.Len + v.Left)
	}
	if err == nil && s.blocks != nil {
		err = p.reps.takeFor(&s.blocks.reps, v.Formed)
		s.blocks.formed, s.blocks.represented = v.Formed, v.Represented
		reps = slices.Clone(s.blocks.reps)
	}
	if err != nil {
		p.give(pages...)
		s.Release()
		return nil, nil, nil, err
	}
	list := func(numbers []int32) []uint32 {
		all := make([]uint32, len(numbers))
		for i, n := range numbers {
			all[i] = gone
			if n >= 0 {
				all[i] = pages[n]
			}
		}
		return all
	}
	s.len, s.left, s.held, s.pages, s.raw = v.Len, v.Left, v.Held, list(v.Pages), list(v.Raw)
	return s, pages, reps, nil
}

// Records calls yield with the contents of the stored blocks, layer after layer of each.
func (s *Sequence) Records(yield func(data []byte) error) error {
	if s.blocks == nil || s.blocks.cache == nil {
		return nil
	}
	c := s.blocks.cache
	data := make([]byte, c.record())
	for n, id := range c.ids {
		if id == free {
			continue
		}
		if err := c.store.Get(id, data); err != nil {
			return fmt.Errorf("block %d: %w", n/len(c.in), err)
		}
		if err := yield(data); err != nil {
			return err
		}
	}
	return nil
}

// RecordBytes is the size of what Records yields, 0 where there are none.
func (s *Sequence) RecordBytes() int {
	if s.blocks == nil || s.blocks.cache == nil {
		return 0
	}
	return s.blocks.cache.record()
}

// Restored adds the next stored block of the next layer.
func (s *Sequence) Restored(data []byte) error {
	c := s.blocks.cache
	id, err := c.store.Put(data)
	if err != nil {
		return err
	}
	c.add(id)
	c.stored = len(c.ids) / len(c.in)
	c.sent, c.apart = c.stored, true
	return nil
}

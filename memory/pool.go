package memory

import (
	"fmt"

	"github.com/lrun/lrun/backend"
)

// Page is how many tokens a page holds.
const Page = 16

// Shape is the KV cache of one layer.
type Shape struct {
	KVHeads, HeadDim int
	Window           int // how many of the last tokens a query of the layer sees at most; 0: all
}

// Pool is the KV memory of a model, shared by its sequences. It grows by doubling and hands freed pages out again.
type Pool struct {
	b      backend.Backend
	layers []*backend.KV
	pages  int
	free   []uint32
	window int // the largest of all layers'; 0: one sees all

	recalled []uint32 // pages for keys that were looked up, of one step at a time
}

// mostRecalled is how many keys can be looked up.
const mostRecalled = 4 * Page

// NewPool makes a pool of dtype (F32, F16 or Q8) with room for tokens tokens to begin with, and for looking up keys of them.
func NewPool(b backend.Backend, dtype backend.DType, shapes []Shape, tokens, keys int) (*Pool, error) {
	p := &Pool{b: b, pages: max(1, pagesOf(tokens)) + pagesOf(keys)}
	for i, s := range shapes {
		kv, err := b.NewKV(dtype, p.pages, Page, s.KVHeads, s.HeadDim)
		if err != nil {
			p.Release()
			return nil, fmt.Errorf("KV cache of layer %d for %d tokens: %w", i, p.pages*Page, err)
		}
		p.layers = append(p.layers, kv)
		if i == 0 || p.window > 0 {
			p.window = widest(p.window, s.Window)
		}
	}
	for i := range p.pages {
		p.free = append(p.free, uint32(p.pages-1-i))
	}
	for range pagesOf(keys) {
		page, err := p.take()
		if err != nil {
			return nil, err
		}
		p.recalled = append(p.recalled, page)
	}
	return p, nil
}

// RecalledSlots appends the slots for k keys that are looked up to dst.
func (p *Pool) RecalledSlots(dst []uint32, k int) []uint32 { return slots(dst, p.recalled, 0, k) }

// widest is the larger window, where 0 means that all is seen.
func widest(a, b int) int {
	if b == 0 {
		return 0
	}
	return max(a, b)
}

// Layer is the cache of layer i.
func (p *Pool) Layer(i int) *backend.KV { return p.layers[i] }

// take hands out a page.
func (p *Pool) take() (uint32, error) {
	if len(p.free) == 0 {
		err := p.grow(2 * p.pages)
		if err != nil { // perhaps there is room for a little
			err = p.grow(p.pages + p.pages/8 + 1)
		}
		if err != nil {
			return 0, err
		}
	}
	last := len(p.free) - 1
	page := p.free[last]
	p.free = p.free[:last]
	return page, nil
}

// grow makes room for pages pages in every layer. Layers that grew before one failed stay larger, which does no harm.
func (p *Pool) grow(pages int) error {
	for i, kv := range p.layers {
		if kv.Pages >= pages {
			continue
		}
		if err := p.b.GrowKV(kv, pages); err != nil {
			return fmt.Errorf("KV cache of layer %d for %d tokens: %w", i, pages*Page, err)
		}
	}
	for n := pages - 1; n >= p.pages; n-- {
		p.free = append(p.free, uint32(n))
	}
	p.pages = pages
	return nil
}

// Release gives all memory back; its sequences are dead then.
func (p *Pool) Release() {
	for _, kv := range p.layers {
		kv.Release()
	}
	p.layers = nil
}

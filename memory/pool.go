package memory

import (
	"fmt"

	"github.com/lrun/lrun/backend"
)

// Page is how many tokens a page holds where the policy has no blocks of its own.
const Page = 16

// repsPage is how many blocks' representatives a page of theirs holds: as many as a workgroup scores.
const repsPage = 64

// Shape is what one layer keeps of a text.
type Shape struct {
	Heads, KVHeads, HeadDim int      // of its KV cache; zeros: it has none
	Window                  int      // how many of the last tokens a query of the layer sees at most; 0: all
	States                  [][2]int // rows and columns of the tensors that it carries from step to step
}

// attends reports whether the layer has a KV cache.
func (s Shape) attends() bool { return s.KVHeads > 0 }

// seesAll reports whether its queries see all tokens.
func (s Shape) seesAll() bool { return s.attends() && s.Window == 0 }

// Pool is the KV memory of a model, shared by its sequences. It grows as it must and hands freed pages out again. A page
// may belong to several sequences that begin alike.
type Pool struct {
	b      backend.Backend
	policy Policy
	shapes []Shape
	layers []*backend.KV // nil where a layer has none
	states *states
	page   int // tokens of a page
	pages  int
	free   []uint32
	refs   []int32 // owners of each page
	window int     // the largest of all layers'; 0: one sees all, or none attends

	recalled []uint32 // pages for keys that were looked up, of one step at a time
	reps     *Pool    // of blocks' representatives, where the policy has blocks
}

// mostRecalled is how many keys can be looked up.
const mostRecalled = 4 * Page

// endless stands for a text without an end.
const endless = 1 << 40

// NewPool makes a pool of dtype for sequences of a policy, with room for what one of tokens tokens holds to begin with.
func NewPool(b backend.Backend, dtype backend.DType, shapes []Shape, policy Policy, tokens int) (*Pool, error) {
	p := &Pool{b: b, policy: policy, shapes: shapes, page: policy.page()}
	p.window = widest(shapes)
	keys := policy.Recall(endless).K
	err := p.make(max(1, p.pagesOf(policy.Held(tokens)))+p.pagesOf(keys), func(s Shape, pages int) (*backend.KV, error) {
		if !s.attends() {
			return nil, nil
		}
		return b.NewKV(dtype, pages, p.page, s.KVHeads, s.HeadDim)
	})
	if err == nil {
		p.states, err = newStates(b, shapes)
	}
	for range p.pagesOf(keys) {
		if err == nil {
			err = p.take(&p.recalled)
		}
	}
	if l, ok := policy.(InfLLM); ok && err == nil {
		p.reps = &Pool{b: b, page: repsPage, shapes: shapes}
		err = p.reps.make(max(1, p.reps.pagesOf(l.Blocks(tokens))), func(s Shape, pages int) (*backend.KV, error) {
			if !s.seesAll() {
				return nil, nil
			}
			return b.NewKeys(backend.F16, pages, repsPage, s.Heads, s.HeadDim)
		})
	}
	if err != nil {
		p.Release()
		return nil, err
	}
	return p, nil
}

// make makes the caches of all layers with so many pages.
func (p *Pool) make(pages int, layer func(s Shape, pages int) (*backend.KV, error)) error {
	for i, s := range p.shapes {
		kv, err := layer(s, pages)
		if err != nil {
			return fmt.Errorf("KV cache of layer %d for %d tokens: %w", i, pages*p.page, err)
		}
		p.layers = append(p.layers, kv)
	}
	p.add(pages)
	return nil
}

// add makes the pages up to number pages free.
func (p *Pool) add(pages int) {
	for n := pages - 1; n >= p.pages; n-- {
		p.free = append(p.free, uint32(n))
	}
	p.pages = pages
	p.refs = append(p.refs, make([]int32, pages-len(p.refs))...)
}

// RecalledSlots appends the slots for k keys that are looked up to dst.
func (p *Pool) RecalledSlots(dst []uint32, k int) []uint32 { return p.slots(dst, p.recalled, 0, k) }

// slots appends the slots of the tokens from to to−1 of a list of pages.
func (p *Pool) slots(dst, pages []uint32, from, to int) []uint32 {
	for i := from; i < to; i++ {
		dst = append(dst, pages[i/p.page]*uint32(p.page)+uint32(i%p.page))
	}
	return dst
}

// widest is the largest window, where 0 means that all is seen.
func widest(shapes []Shape) int {
	window := 0
	for _, s := range shapes {
		if s.seesAll() {
			return 0
		}
		window = max(window, s.Window)
	}
	return window
}

// Layer is the cache of layer i, nil where it has none.
func (p *Pool) Layer(i int) *backend.KV { return p.layers[i] }

// Caches is how many layers have a cache.
func (p *Pool) Caches() int {
	n := 0
	for _, kv := range p.layers {
		if kv != nil {
			n++
		}
	}
	return n
}

// Representatives is the cache of the blocks' representatives of layer i, nil where it has none.
func (p *Pool) Representatives(i int) *backend.KV {
	if p.reps == nil {
		return nil
	}
	return p.reps.layers[i]
}

// pagesOf is how many pages so many tokens take.
func (p *Pool) pagesOf(tokens int) int { return (tokens + p.page - 1) / p.page }

// take adds a page to a list.
func (p *Pool) take(list *[]uint32) error {
	if len(p.free) == 0 {
		little := p.pages + p.pages/8 + 1
		err := p.grow(p.doubled(little))
		if err != nil { // perhaps there is room for a little
			err = p.grow(little)
		}
		if err != nil {
			return err
		}
	}
	last := len(p.free) - 1
	page := p.free[last]
	p.free = p.free[:last]
	p.refs[page] = 1
	*list = append(*list, page)
	return nil
}

// doubled is twice the pages, for sequences without end, or little, where what they hold has one.
func (p *Pool) doubled(little int) int {
	if p.policy != nil && p.policy.Held(endless) < endless {
		return little
	}
	return 2 * p.pages
}

// takeFor makes a list of pages long enough for so many tokens.
func (p *Pool) takeFor(list *[]uint32, tokens int) error {
	for len(*list)*p.page < tokens {
		if err := p.take(list); err != nil {
			return err
		}
	}
	return nil
}

// keep notes one more owner of pages.
func (p *Pool) keep(pages []uint32) {
	for _, page := range pages {
		if page != gone {
			p.refs[page]++
		}
	}
}

// give takes an owner from pages; those without one are free.
func (p *Pool) give(pages ...uint32) {
	for _, page := range pages {
		if page == gone {
			continue
		}
		if p.refs[page]--; p.refs[page] == 0 {
			p.free = append(p.free, page)
		}
	}
}

// grow makes room for pages pages in every layer. Layers that grew before one failed stay larger, which does no harm.
func (p *Pool) grow(pages int) error {
	for i, kv := range p.layers {
		if kv == nil || kv.Pages >= pages {
			continue
		}
		if err := p.b.GrowKV(kv, pages); err != nil {
			return fmt.Errorf("KV cache of layer %d for %d tokens: %w", i, pages*p.page, err)
		}
	}
	p.add(pages)
	return nil
}

// Release gives all memory back; its sequences are dead then.
func (p *Pool) Release() {
	for _, kv := range p.layers {
		if kv != nil {
			kv.Release()
		}
	}
	p.layers = nil
	if p.states != nil {
		p.states.release()
	}
	if p.reps != nil {
		p.reps.Release()
	}
}

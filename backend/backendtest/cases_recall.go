package backendtest

import (
	"fmt"

	"github.com/lrun/lrun/backend"
)

// recallCases look up one key and many, among few and many.
func recallCases() []Case {
	var all []Case
	for _, d := range cacheTypes {
		for i, dim := range headDims {
			all = append(all, recall(d, 1+i, 20+130*i, 1+i%3, 1+i%4, dim))
		}
		all = append(all, recall(d, 5, 5, 2, 1, 16), recall(d, 40, 6000, 1, 8, 64))
	}
	return all
}

// recall looks up k of n keys that lie in scattered pages.
func recall(d backend.DType, k, n, kvHeads, group, dim int) Case {
	name := fmt.Sprintf("%s %d of %d keys, %d heads of %d, groups of %d", d, k, n, kvHeads, dim, group)
	return Case{"recall", name, ofCache(d), false, func(r *rig) {
		const page, first = 16, 3
		pages := (first + n + page - 1) / page
		own := (k + page - 1) / page
		kv := r.cache(d, pages+own, page, kvHeads, dim, nil)
		list := make([]uint32, pages)
		for i, p := range r.rand.Perm(pages) {
			list[i] = uint32(own + p)
		}
		v := backend.View{Segments: []backend.Segment{{Pages: list, First: first, Count: n}}}
		v.Table = r.empty(1, v.Words())
		slots := make([]uint32, k)
		for i := range slots {
			slots[i] = uint32(i)
		}
		heads := kvHeads * group
		q := r.floats(1, heads*backend.Pad4(dim), r.padded(heads, dim))
		a := backend.Recall{Heads: heads, To: r.words(1, k, slots)}
		r.do(func(o backend.Ops) { o.Recall(q, kv, v, a) })
		r.showCache("keys", kv.K, kv)
		r.showCache("values", kv.V, kv)
	}}
}

// padded are random heads of dim channels, padded with zeros to quads.
func (r *rig) padded(heads, dim int) []float32 {
	dp := backend.Pad4(dim)
	v := make([]float32, heads*dp)
	for i := range v {
		if i%dp < dim {
			v[i] = float32(r.rand.NormFloat64())
		}
	}
	return v
}

package backendtest

import (
	"fmt"
	"slices"

	"github.com/lrun/lrun/backend"
)

// blockCases are what a memory of blocks needs: the attention that keys receive, representatives, look-ups, whole pages.
func blockCases() []Case {
	var all []Case
	for _, d := range []backend.DType{backend.F32, backend.F16, backend.Q8} {
		for i, dim := range headDims {
			all = append(all, mass(d, 1+5*i, 1+i%3, 1+i%4, dim, backend.Attend{}, ""), represent(d, 1+i, 1+i%3, 1+i%2, dim, 3+13*i, 1+i),
				pages(d, 1+i, 1+i%3, dim))
		}
		all = append(all, mass(d, 1, 2, 2, 20, backend.Attend{SoftCap: 3}, "slopes"), mass(d, 6, 1, 5, 64, backend.Attend{}, "bf16"),
			represent(d, 2, 1, 4, 12, 5, 9), represent(d, 1, 2, 1, 64, 300, 4))
	}
	for i, blocks := range []int{1, 2, 63, 64, 65, 200, 5000} {
		for _, cached := range []bool{false, true} {
			all = append(all, lookup(1+4*(i%3), 1+i, 4+8*i, blocks, min(blocks, 1+7*i), cached))
		}
	}
	return append(all, lookup(32, 4, 64, 70000, 256, false))
}

// mass is what some tokens add to the mass of those before them, near and far, and to that of each other.
func mass(d backend.DType, tokens, kvHeads, group, dim int, a backend.Attend, alibi string) Case {
	name := fmt.Sprintf("%s %d tokens, %d heads of %d, groups of %d, cap %g %s", d, tokens, kvHeads, dim, group, a.SoftCap, alibi)
	return Case{"mass", name, ofCache(d), false, func(r *rig) {
		a.LogSum = true
		spans := []span{{10, 0, 0, true, 0, far{50, 1, 50}}, {70 + tokens, 3, 40, true, 50, far{}}}
		y, q, kv, v, a := r.attention(shape{d, tokens, kvHeads * group, kvHeads, dim, 16, 110, spans}, a, alibi)
		sums := r.normal(kvHeads*group, 97+tokens, 1)
		skipped := r.words(1, 1, []uint32{1})
		r.do(func(o backend.Ops) {
			o.Attend(y, q, kv, v, a)
			o.Mass(sums, q, y, kv, v, backend.Mass{Attend: a, Segment: 1})
			o.Mass(sums, q, y, kv, v, backend.Mass{Attend: a, Segment: 1, Missed: skipped})
		})
		r.show("mass", sums)
	}}
}

// represent makes n representatives from blocks of page tokens, with equal masses among them.
func represent(d backend.DType, n, kvHeads, group, dim, page, topK int) Case {
	name := fmt.Sprintf("%s %d of %d keys in %d blocks, %d heads of %d, groups of %d", d, topK, page, n, kvHeads, dim, group)
	return Case{"represent", name, half, false, func(r *rig) {
		kv, heads := r.cache(d, n+2, page, kvHeads, dim, nil), kvHeads*group
		reps, err := r.b.NewKeys(backend.F16, 3, 64, heads, dim)
		r.must(err)
		r.release = append(r.release, reps.Release)
		masses := make([]float32, heads*(page*n+5))
		for i := range masses {
			masses[i] = float32(r.rand.IntN(4))
		}
		var where []uint32
		for _, perm := range [][]int{r.rand.Perm(3 * 64)[:n], r.rand.Perm(n + 2)[:n]} {
			for _, p := range perm {
				where = append(where, uint32(p))
			}
		}
		for b := range n {
			where = append(where, uint32(1000+b*page))
		}
		sums := r.floats(heads, page*n+5, masses)
		a := backend.Represent{TopK: topK, Blocks: r.words(3, n, where)}
		r.do(func(o backend.Ops) { o.Represent(reps, kv, sums, a) })
		r.showCache("representatives", reps.K, reps)
	}}
}

// lookup chooses k of some blocks, of which every third has no page where pages are cached.
func lookup(tokens, heads, dim, blocks, k int, cached bool) Case {
	name := fmt.Sprintf("%d of %d blocks for %d tokens, %d heads of %d, cached %t", k, blocks, tokens, heads, dim, cached)
	return Case{"lookup", name, single, false, func(r *rig) {
		n := (blocks + 63) / 64
		reps := r.cache(backend.F16, n, 64, heads, dim, nil)
		list := make([]uint32, n)
		for i, p := range r.rand.Perm(n) {
			list[i] = uint32(p)
		}
		var where []uint32
		for b := range blocks {
			switch {
			case !cached:
				where = append(where, uint32(3*b+1))
			case b%3 != 1:
				where = append(where, uint32(b), uint32(3*b+1))
			}
		}
		from := backend.View{Segments: []backend.Segment{{Pages: list, Count: blocks}, {Pages: where}}}
		from.Table = r.empty(1, from.Words())
		view := backend.View{Segments: []backend.Segment{{Pages: []uint32{7}}, {Pages: make([]uint32, k)}}}
		view.Table = r.empty(1, view.Words())
		a := backend.Lookup{Heads: heads, Picks: r.empty(1, k), Cached: cached, Missed: r.empty(1, 1), Mark: 5, View: view, Segment: 1}
		q := r.floats(tokens, heads*backend.Pad4(dim), r.padded(tokens*heads, dim))
		r.do(func(o backend.Ops) { o.Lookup(q, reps, reps, from, a) })
		r.showIDs("picks", a.Picks)
		r.showIDs("missed", a.Missed)
		if r.b.Name() == "cpu" { // where the host's view is what counts
			r.do(func(o backend.Ops) { o.Write(view.Table, view.Encode(nil)) })
		}
		r.showIDs("view", view.Table)
	}}
}

// pages takes a page of a cache to the host, and to another place in another order.
func pages(d backend.DType, page, kvHeads, dim int) Case {
	name := fmt.Sprintf("%s of %d tokens, %d heads of %d", d, page, kvHeads, dim)
	return Case{"page", name, single, false, func(r *rig) {
		kv := r.cache(d, 3, page, kvHeads, dim, nil)
		back, err := r.b.NewReadback(2 * kv.PageBytes())
		r.must(err)
		r.release = append(r.release, back.Release)
		r.do(func(o backend.Ops) { o.FetchPage(back, kv, 1) })
		data, err := back.Wait(r.t.Context())
		r.must(err)
		data = slices.Clone(data)
		r.do(func(o backend.Ops) { o.WritePage(kv, 2, data) })
		r.showCache("keys", kv.K, kv)
		r.showCache("values", kv.V, kv)
	}}
}

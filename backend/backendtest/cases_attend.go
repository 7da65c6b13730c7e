package backendtest

import (
	"fmt"

	"github.com/lrun/lrun/backend"
)

var headDims = []int{10, 12, 20, 24, 64, 80, 96, 128, 256, 4}

var cacheTypes = []backend.DType{backend.F32, backend.F16, backend.Q8}

func qkvCases() []Case {
	var all []Case
	for _, d := range cacheTypes {
		for i, dim := range headDims {
			all = append(all, qkv(d, 1+i%3, 4, 2, dim, backend.QKVRope{Rotary: dim}, "", 1))
		}
		for _, norm := range []string{"", "rms", "layer bias"} {
			all = append(all, qkv(d, 3, 6, 2, 20, backend.QKVRope{Rotary: 8, Sets: 2}, norm, 1),
				qkv(d, 5, 3, 1, 32, backend.QKVRope{Rotary: 32, Sets: 3, Apart: true, Interleaved: true}, norm, 1),
				qkv(d, 1, 2, 2, 12, backend.QKVRope{Rotary: 12, Apart: true}, norm, 1))
		}
		for _, norm := range []string{"", "rms", "rms each", "rms whole", "layer", "layer bias", "layer bias each", "layer bias whole"} {
			all = append(all, qkv(d, 5, 6, 3, 20, backend.QKVRope{Rotary: 8, Interleaved: true}, norm, 1),
				qkv(d, 2, 4, 1, 66, backend.QKVRope{Rotary: 32, Clip: 0.7}, norm, 1),
				qkv(d, 1, 2, 2, 16, backend.QKVRope{}, norm, 1))
		}
		all = append(all, qkv(d, 70, 3, 3, 32, backend.QKVRope{Rotary: 32}, "", 1),
			qkv(d, 4, 2, 1, 12, backend.QKVRope{Rotary: 12}, "", 65504))
	}
	return all
}

// headNorm makes the norm that the words of kind describe for so many heads; k is nil where there is none.
func (r *rig) headNorm(kind string, heads, dim int) *backend.HeadNorm {
	if kind == "" {
		return nil
	}
	n := dim
	if contains(kind, "each") || contains(kind, "whole") {
		n = heads * dim
	}
	return &backend.HeadNorm{Norm: r.newNorm(contains(kind, "rms"), n, true, contains(kind, "bias")), Whole: contains(kind, "whole")}
}

// qkv files tokens at scattered slots of a cache of 9 pages.
func qkv(d backend.DType, tokens, heads, kvHeads, dim int, a backend.QKVRope, norm string, scale float32) Case {
	name := fmt.Sprintf("%s %d tokens heads %d/%d of %d rotary %d interleaved %t norm %q clip %g scale %g sets %d apart %t",
		d, tokens, heads, kvHeads, dim, a.Rotary, a.Interleaved, norm, a.Clip, scale, a.Sets, a.Apart)
	sets := max(1, a.Sets)
	return Case{"qkv_rope", name, half, false, func(r *rig) {
		a.Heads = heads
		kv := r.emptyCache(d, 9, 16, kvHeads, dim)
		slots := make([]uint32, tokens)
		for i, s := range r.rand.Perm(9 * 16)[:tokens] {
			slots[i] = uint32(s)
		}
		a.Slots = r.words(1, tokens, slots)
		if a.Rotary > 0 {
			blocks := sets
			if a.Apart {
				blocks++
			}
			a.Rope = r.normal(blocks*tokens, a.Rotary, 1)
		}
		a.QNorm, a.KNorm = r.headNorm(norm, heads, dim), r.headNorm(norm, kvHeads, dim)
		x, q := r.normal(tokens, (heads+2*kvHeads)*dim, scale), r.normal(sets*tokens, heads*backend.Pad4(dim), 1)
		r.do(func(o backend.Ops) { o.QKVRope(q, x, kv, a) })
		r.show("q", q)
		r.showCache("keys", kv.K, kv)
		r.showCache("values", kv.V, kv)
	}}
}

// span is a segment without its pages: how many keys, from which slot of its first page, and its edges.
type span struct {
	count, first, pos int
	causal            bool
	window            int
	far
}

// far is what few segments have.
type far struct{ least, query, distance int }

// shape is a call of Attend.
type shape struct {
	kv                          backend.DType
	tokens, heads, kvHeads, dim int
	page, pos                   int
	spans                       []span
}

func attendCases() []Case {
	causal := func(n, first, window int) []span { return []span{{n, first, 0, true, window, far{}}} }
	var all []Case
	add := func(s shape, a backend.Attend, alibi string) { all = append(all, attend(s, a, alibi)) }
	for i, dim := range headDims {
		for _, group := range []int{1, 3, 4, 8} {
			tokens := []int{1, 6}[(i+group)%2]
			add(shape{backend.F16, tokens, 2 * group, 2, dim, 16, 100, causal(100+tokens, 3, 0)}, backend.Attend{}, "")
			add(shape{backend.F32, 7 - tokens, group, 1, dim, 32, 70, causal(77-tokens, 0, 0)}, backend.Attend{}, "")
			add(shape{backend.Q8, tokens, 2 * group, 2, dim, 16, 90, causal(90+tokens, 1, 0)}, backend.Attend{}, "")
			add(shape{backend.Q8, 7 - tokens, group, 1, dim, 32, 70, causal(77-tokens, 0, 0)}, backend.Attend{}, "")
		}
	}
	for _, tokens := range []int{1, 2, 4, 5, 31, 32, 33, 65} {
		for _, keys := range []int{0, 1, 31, 32, 33, 63, 64, 65, 300} {
			add(shape{backend.F32, tokens, 4, 2, 20, 16, keys, causal(keys+tokens, 0, 0)}, backend.Attend{}, "")
		}
		add(shape{backend.F16, tokens, 3, 1, 32, 64, 300, causal(300+tokens, 5, 40)}, backend.Attend{}, "")
		add(shape{backend.F16, tokens, 3, 3, 32, 16, 20, []span{{90, 0, 0, false, 0, far{}}}}, backend.Attend{}, "")
		add(shape{backend.Q8, tokens, 3, 1, 36, 64, 300, causal(300+tokens, 5, 40)}, backend.Attend{}, "")
		// sinks, a hole, a window that starts inside a tile, an empty segment, and one that no query sees
		many := []span{{4, 0, 0, true, 0, far{}}, {0, 0, 0, true, 0, far{}}, {150, 7, 200, true, 100, far{}}, {10, 2, 900, true, 0, far{}},
			{33, 1, 350, false, 20, far{}}}
		add(shape{backend.F32, tokens, 8, 2, 24, 16, 349, many}, backend.Attend{SoftCap: 5}, "slopes")
		// first keys near and far, the middle of a text seen with a third set, and the last ones
		sets := []span{{40, 0, 0, true, 120, far{50, 0, 0}}, {40, 3, 0, true, 0, far{120, 2, 120}}, {0, 0, 0, true, 0, far{}},
			{50, 5, 60, true, 0, far{60, 1, 0}}, {1, 0, 115, false, 0, far{0, 2, 7}}, {60, 9, 100, true, 50, far{}}}
		for _, alibi := range []string{"", "slopes", "bf16"} {
			add(shape{backend.F32, tokens, 6, 2, 20, 16, 165 - tokens, sets}, backend.Attend{}, alibi)
			add(shape{backend.F16, tokens, 10, 1, 64, 16, 130, sets}, backend.Attend{}, alibi)
			add(shape{backend.F16, tokens, 4, 2, 64, 16, 130, sets}, backend.Attend{SetRows: tokens + 3}, alibi)
			add(shape{backend.Q8, tokens, 3, 1, 80, 16, 130, sets}, backend.Attend{}, alibi)
		}
		add(shape{backend.F32, tokens, 2, 2, 16, 16, 5, nil}, backend.Attend{}, "")
		add(shape{backend.F32, tokens, 6, 2, 20, 16, 300, causal(300+tokens, 5, 40)}, backend.Attend{LogSum: true}, "")
		add(shape{backend.F32, tokens, 3, 1, 64, 7, 1900, causal(1900+tokens, 5, 0)}, backend.Attend{LogSum: true}, "")
		for _, alibi := range []string{"slopes", "bf16"} {
			add(shape{backend.F32, tokens, 6, 2, 16, 32, 200, causal(200+tokens, 0, 0)}, backend.Attend{SoftCap: 2}, alibi)
		}
	}
	add(shape{backend.F16, 1, 40, 1, 64, 64, 4096, causal(4097, 0, 0)}, backend.Attend{}, "")
	add(shape{backend.F16, 200, 2, 1, 16, 64, 4096, causal(4296, 0, 0)}, backend.Attend{}, "")
	return all
}

// LongCases attend to more keys than an invocation of lavapipe may run loop iterations (65,535).
func LongCases() []Case {
	causal := []span{{70000, 0, 0, true, 0, far{}}}
	return []Case{
		attend(shape{backend.F16, 1, 2, 1, 16, 64, 69999, causal}, backend.Attend{}, ""),
		attend(shape{backend.F16, 6, 2, 1, 256, 64, 69994, causal}, backend.Attend{}, ""),
		attend(shape{backend.F16, 40, 1, 1, 16, 64, 69960, causal}, backend.Attend{}, ""),
		recall(backend.F32, 64, 80000, 1, 1, 4),
	}
}

func attend(s shape, a backend.Attend, alibi string) Case {
	name := fmt.Sprintf("%s %d tokens at %d heads %d/%d of %d page %d spans %v cap %g %s log-sum %t set rows %d",
		s.kv, s.tokens, s.pos, s.heads, s.kvHeads, s.dim, s.page, s.spans, a.SoftCap, alibi, a.LogSum, a.SetRows)
	return Case{"attend", name, ofCache(s.kv), false, func(r *rig) {
		dst, q, kv, v, a := r.attention(s, a, alibi)
		r.do(func(o backend.Ops) {
			o.Attend(dst, q, kv, v, a)
			o.Attend(dst, q, kv, v, a) // the view's table is filled already
		})
		r.show("y", dst)
	}}
}

// attention makes the operands of a call. What of the cache is not in the view is not a number.
func (r *rig) attention(s shape, a backend.Attend, alibi string) (backend.Tensor, backend.Tensor, *backend.KV, backend.View, backend.Attend) {
	pages := 0
	for _, g := range s.spans {
		pages += (g.first + g.count + s.page - 1) / s.page
	}
	free := r.rand.Perm(pages + 1)
	live := map[int]bool{}
	sets := 1
	v := backend.View{Pos: s.pos}
	for _, g := range s.spans {
		n := (g.first + g.count + s.page - 1) / s.page
		list := make([]uint32, n)
		for i := range list {
			list[i], free = uint32(free[0]), free[1:]
		}
		for i := g.first; i < g.first+g.count; i++ {
			live[int(list[i/s.page])*s.page+i%s.page] = true
		}
		v.Segments = append(v.Segments, backend.Segment{Pages: list, First: g.first, Count: g.count, Pos: g.pos,
			Causal: g.causal, Window: g.window, Least: g.least, Query: g.query, Distance: g.distance})
		sets = max(sets, g.query+1)
	}
	kv := r.cache(s.kv, pages+1, s.page, s.kvHeads, s.dim, live)
	v.Table = r.empty(1, max(1, v.Words()))
	a.Heads, a.Scale = s.heads, 0.3
	if alibi != "" {
		slopes := make([]float32, s.heads)
		for i := range slopes {
			slopes[i] = 1 / float32(int(4)<<i)
		}
		a.Slopes, a.SlopesBF16 = r.floats(1, s.heads, slopes), alibi == "bf16"
	}
	dst := r.normal(s.tokens, a.Width(kv), 1)
	rows := (sets-1)*a.Step(dst) + s.tokens
	return dst, r.floats(rows, s.heads*backend.Pad4(s.dim), r.padded(rows*s.heads, s.dim)), kv, v, a
}

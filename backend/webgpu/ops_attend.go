//go:build cgo && !nogpu && ((linux && amd64) || (darwin && (amd64 || arm64)) || (windows && amd64))

package webgpu

import (
	"slices"

	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/wgsl"
)

const (
	// maxSplitKeys bounds the keys of a split, and maxLoopKeys that of attend_tile with its loops as they are: lavapipe ends a
	// shader silently after 65,535 iterations of its loops.
	maxSplitKeys = 8192
	maxLoopKeys  = 2048
	// partBytes bounds the memory for the parts of split attention, and so the tokens that are attended at once.
	partBytes = 32 << 20
	// keyTile is how many keys the kernels take at a time.
	keyTile = 64
)

// Attend is attention over a view of the cache; see backend.Attend.
func (s *step) Attend(dst, q backend.Tensor, kv *backend.KV, v backend.View, a backend.Attend) {
	if s.refused(a.Check(dst, q, kv, v)) {
		return
	}
	if !s.fits("attend", kv) {
		return
	}
	s.writeView(v)
	tokens := dst.Rows
	p := s.dev.tuning.attention(tokens, kv, v, a)
	batch := tokens
	if p.splits > 1 {
		batch = max(1, min(tokens, partBytes/p.partBytes(1)))
	}
	for first := 0; first < tokens; first += batch {
		s.attend(dst, q, p, first, min(batch, tokens-first))
	}
}

// attention is how one call is launched.
type attention struct {
	kv      *backend.KV
	view    backend.View
	a       backend.Attend
	few     bool // by attend_vec
	group   int  // query heads of a KV head
	taken   int  // of them, by a workgroup of attend_vec: an index of wgsl.AttendVecHeads
	quads   int  // of a padded head
	splits  int
	variant wgsl.Variant
}

// attention plans a call.
func (t *Tuning) attention(tokens int, kv *backend.KV, v backend.View, a backend.Attend) attention {
	p := attention{kv: kv, view: v, a: a, few: tokens <= t.AttendTokens, group: a.Heads / kv.KVHeads, quads: backend.Pad4(kv.HeadDim) / 4}
	if p.few {
		for p.taken < len(wgsl.AttendVecHeads)-1 && wgsl.AttendVecHeads[p.taken] < p.group {
			p.taken++
		}
		n := len(wgsl.AttendVecHeads)
		p.variant = wgsl.AttendVec.Variants[(cacheFormat(kv.DType)*wgsl.MaxQuads+p.quads-1)*n+p.taken]
	} else {
		p.variant = wgsl.AttendTile.Variants[2*(cacheFormat(kv.DType)*wgsl.MaxQuads+p.quads-1)+int(flag(t.Unroll, 1))]
	}
	most := maxSplitKeys
	if !p.few && !t.Unroll {
		most = maxLoopKeys
	}
	x, y, z := p.grid(tokens)
	keys := seen(v, 0, tokens)
	p.splits = max(1, ceil(keys, most), min(ceil(t.SplitGroups, int(max(1, x*y*z))), keys/t.SplitKeys, t.Splits))
	if tiles := ceil(keys, keyTile); tiles > 0 {
		p.splits = ceil(tiles, ceil(tiles, p.splits))
	}
	return p
}

// grid is the workgroups for so many tokens and one split.
func (p *attention) grid(tokens int) (x, y, z uint32) {
	if p.few {
		return 1, uint32(p.kv.KVHeads * ceil(p.group, wgsl.AttendVecHeads[p.taken])), uint32(tokens)
	}
	return uint32(ceil(tokens*p.group, 32)), uint32(p.kv.KVHeads), 1
}

// partBytes is the memory for the parts of so many tokens.
func (p *attention) partBytes(tokens int) int {
	return tokens * p.a.Heads * p.splits * (p.quads*4 + 4) * 4
}

// seen is how many keys of the view any of the tokens first, … first + n − 1 may see, each set of queries beginning a tile.
func seen(v backend.View, first, n int) int {
	keys := 0
	for i := range v.Segments {
		g := &v.Segments[i]
		if i > 0 && g.Query != v.Segments[i-1].Query {
			keys = ceil(keys, keyTile) * keyTile
		}
		begin, end := 0, g.Count
		if g.Causal {
			end = min(end, v.Pos+first+n-g.Least-g.Pos)
		}
		if g.Window > 0 {
			begin = max(0, v.Pos+first-g.Window+1-g.Pos)
		}
		keys += max(0, end-begin)
	}
	return keys
}

// attend launches attention for n tokens from first on, and the merge of its splits.
func (s *step) attend(dst, q backend.Tensor, p attention, first, n int) {
	kv, a := p.kv, p.a
	keys := seen(p.view, first, n)
	params := [...]uint32{
		uint32(a.Heads), uint32(kv.KVHeads), uint32(p.group), uint32(kv.HeadDim), uint32(kv.Page),
		uint32(len(p.view.Segments)), uint32(ceil(ceil(keys, keyTile), p.splits)), uint32(p.splits),
		uint32(first), uint32(n), uint32(int32(p.view.Pos)), alibi(a), quads(q), uint32(dst.Stride),
		bits(a.Scale), bits(a.SoftCap), uint32(a.Sets(dst, q)), uint32(a.Step(dst)) * quads(q), flag(a.LogSum, 1),
	}
	out := bindTensor(dst)
	if p.splits > 1 {
		out = s.scratch("attention", p.partBytes(n))
	}
	s.work(2 * n * a.Heads * keys * p.quads * 4)
	kernel := wgsl.AttendTile
	x, y, z := p.grid(n)
	if p.few {
		kernel, x = wgsl.AttendVec, uint32(p.splits)
	} else {
		z = uint32(p.splits)
	}
	s.dispatch("attend", kernel, p.variant, params[:], x, y, z, bindTensor(q), bindKeys(kv.K, kv, keys), bindKeys(kv.V, kv, keys),
		bindTensor(p.view.Table), bindTensor(a.Slopes), out)
	if p.splits == 1 {
		return
	}
	merge := [...]uint32{
		uint32(a.Heads), uint32(kv.HeadDim), uint32(p.quads), uint32(p.splits), uint32(first), uint32(dst.Stride),
		flag(a.LogSum, 1),
	}
	s.dispatch("attend", wgsl.AttendMerge, "", merge[:], uint32(a.Heads), uint32(n), 1, out, bindTensor(dst))
}

// alibi is the kernels' word for how ALiBi enters.
func alibi(a backend.Attend) uint32 {
	if a.SlopesBF16 {
		return has(a.Slopes, 2)
	}
	return has(a.Slopes, 1)
}

// viewTables are the tables that a step has filled.
type viewTables struct {
	filled []backend.Tensor
	words  []uint32
}

func (t *viewTables) reset() { t.filled = t.filled[:0] }

// writeView fills a view's table, once a step.
func (s *step) writeView(v backend.View) {
	for i := range s.views.filled {
		if f := &s.views.filled[i]; f.Buf == v.Table.Buf && f.First == v.Table.First {
			return
		}
	}
	s.views.filled = append(s.views.filled, v.Table)
	s.views.words = v.Encode(slices.Grow(s.views.words[:0], v.Words()))
	s.writeWords(v.Table, s.views.words)
}

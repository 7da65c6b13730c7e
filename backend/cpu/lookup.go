package cpu

import (
	"slices"

	"github.com/lrun/lrun/backend"
)

// Lookup chooses the blocks that matter most to some queries; see backend.Lookup.
func (o *ops) Lookup(q backend.Tensor, reps, kv *backend.KV, v backend.View, a backend.Lookup) {
	if !o.ready(a.Check(q, reps, kv, v)) {
		return
	}
	sum := make([]float32, q.Cols)
	for t := range q.Rows {
		for i, x := range row(q, t) {
			sum[i] += x
		}
	}
	picks := relevant(sum, reps, &v.Segments[0], a.Picks.Cols)
	for i, b := range picks {
		bits(a.Picks, 0)[i] = uint32(b)
		page, there := located(v.Segments[1].Pages, uint32(b), a.Cached)
		if missed := a.Missed; !there && bits(missed, 0)[0] == 0 {
			bits(missed, 0)[0] = a.Mark
		}
		a.View.Segments[a.Segment].Pages[i] = page
	}
}

// relevant are the k blocks whose representatives have the largest products with the queries, in rising order.
func relevant(q []float32, reps *backend.KV, s *backend.Segment, k int) []int {
	scores := make([]float32, s.Count)
	parallel(s.Count, 64, func(first, last int) {
		r := newReader(reps)
		for ; first < last; first += tile {
			sums := scores[first:min(first+tile, last)]
			for h := range reps.KVHeads {
				part := r.scores[:len(sums)]
				r.products(part, q[h*r.dp:(h+1)*r.dp], s, first, h)
				add(sums, part)
			}
		}
	})
	picks := make([]int, 0, k+1)
	for b, score := range scores {
		if len(picks) == k && score <= scores[picks[k-1]] {
			continue
		}
		at := len(picks)
		for at > 0 && score > scores[picks[at-1]] {
			at--
		}
		picks = slices.Insert(picks, at, b)
		picks = picks[:min(k, len(picks))]
	}
	slices.Sort(picks)
	return picks
}

// located is the page of a block, 0 where it has none.
func located(where []uint32, block uint32, cached bool) (page uint32, there bool) {
	if !cached {
		return where[block], true
	}
	for i := 0; i+1 < len(where); i += 2 {
		if where[i] == block {
			return where[i+1], true
		}
	}
	return 0, false
}

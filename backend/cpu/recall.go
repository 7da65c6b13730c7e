package cpu

import (
	"slices"

	"github.com/lrun/lrun/backend"
)

// Recall copies the keys that matter most to a query, and their values; see backend.Recall.
func (o *ops) Recall(q backend.Tensor, kv *backend.KV, v backend.View, a backend.Recall) {
	if !o.ready(a.Check(q, kv, v)) {
		return
	}
	group := a.Heads / kv.KVHeads
	parallel(kv.KVHeads, 1, func(first, last int) {
		r := newReader(kv)
		for h := first; h < last; h++ {
			queries := row(q, 0)[h*group*r.dp : (h+1)*group*r.dp]
			for i, from := range r.best(queries, &v.Segments[0], h, a.To.Cols) {
				to := int(bits(a.To, 0)[i])
				copyKey(kv, from, to, h)
				copyValue(kv, from, to, h)
			}
		}
	})
}

// best are the slots of the k keys of a segment that some of the queries score highest, the highest first.
func (r *reader) best(queries []float32, s *backend.Segment, kvHead, k int) []int {
	type scored struct {
		slot  int
		score float32
	}
	all := make([]scored, s.Count)
	for from := 0; from < len(all); from += tile {
		part := all[from:min(from+tile, len(all))]
		for i := range part {
			slot, _ := r.run(s, from+i, 1)
			part[i] = scored{slot, masked}
		}
		for q := queries; len(q) > 0; q = q[r.dp:] {
			scores := r.scores[:len(part)]
			r.products(scores, q[:r.dp], s, from, kvHead)
			for i, score := range scores {
				part[i].score = max(part[i].score, score)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b scored) int {
		switch {
		case a.score > b.score:
			return -1
		case a.score < b.score:
			return 1
		}
		return 0
	})
	slots := make([]int, k)
	for i := range slots {
		slots[i] = all[i].slot
	}
	return slots
}

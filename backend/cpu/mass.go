package cpu

import "github.com/lrun/lrun/backend"

// Mass adds up how much attention cached keys receive; see backend.Mass.
func (o *ops) Mass(mass, q, attended backend.Tensor, kv *backend.KV, v backend.View, a backend.Mass) {
	if !o.ready(a.Check(mass, q, attended, kv, v)) {
		return
	}
	if !a.Missed.IsNone() && bits(a.Missed, 0)[0] != 0 {
		return
	}
	s := &v.Segments[a.Segment]
	parallel(a.Heads, 1, func(first, last int) {
		r := newReader(kv)
		for h := first; h < last; h++ {
			r.mass(row(mass, h), q, attended, s, v.Pos, h, a)
		}
	})
}

// mass adds what the keys of a segment receive from head h to its row of masses.
func (r *reader) mass(sums []float32, q, attended backend.Tensor, s *backend.Segment, first, h int, a backend.Mass) {
	for p := max(first, s.Pos); p < s.Pos+s.Count; p++ {
		sums[p%len(sums)] = 0
	}
	for t := range attended.Rows {
		all := row(attended, t)[a.Heads*r.kv.HeadDim+h]
		query := row(q, t)[h*r.dp : (h+1)*r.dp]
		for from, to := visible(s, first+t); from < to; from += tile {
			scores := r.scores[:min(tile, to-from)]
			r.biased(scores, query, s, from, first+t, h, h/(a.Heads/r.kv.KVHeads), a.Attend)
			for i, score := range scores {
				sums[(s.Pos+from+i)%len(sums)] += exp(score - all)
			}
		}
	}
}

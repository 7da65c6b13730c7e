package cpu

import (
	"math"

	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/backend/cpu/vector"
)

// tile is how many keys an online softmax step takes.
const tile = 128

// masked is the score of a key that may not be seen; no infinity, as in the shaders.
const masked = -1e30

// Attend is attention over a view of the cache; see backend.Attend.
func (o *ops) Attend(dst, q backend.Tensor, kv *backend.KV, v backend.View, a backend.Attend) {
	if !o.ready(a.Check(dst, q, kv, v)) {
		return
	}
	parallel(dst.Rows*a.Heads, 1, func(from, to int) {
		r := newReader(kv)
		for i := from; i < to; i++ {
			t, h := i/a.Heads, i%a.Heads
			query := func(set int) []float32 { return row(q, set*a.Step(dst)+t)[h*r.dp : (h+1)*r.dp] }
			r.attend(row(dst, t)[h*kv.HeadDim:(h+1)*kv.HeadDim], query, t, h, v, a)
			if a.LogSum {
				row(dst, t)[a.Heads*kv.HeadDim+h] = r.logSum()
			}
		}
	})
}

// reader is the state of one query's pass over the keys.
type reader struct {
	kv     *backend.KV
	dp     int
	scores [tile]float32
	acc    []float32 // [dp], Σ p·v
	wide   []float32 // [tile][dp], keys or values of an f16 cache
	top    float32   // the largest score so far
	sum    float32   // Σ p
}

func newReader(kv *backend.KV) *reader {
	dp := backend.Pad4(kv.HeadDim)
	r := &reader{kv: kv, dp: dp, acc: make([]float32, dp)}
	if kv.DType == backend.F16 {
		r.wide = make([]float32, tile*dp)
	}
	return r
}

// attend is the attention of query t, head h; query is its row in a set.
func (r *reader) attend(dst []float32, query func(set int) []float32, t, h int, v backend.View, a backend.Attend) {
	r.top, r.sum = masked, 0
	clear(r.acc)
	kvHead := h / (a.Heads / r.kv.KVHeads)
	for i := range v.Segments {
		s := &v.Segments[i]
		q := query(s.Query)
		from, to := visible(s, v.Pos+t)
		for ; from < to; from += tile {
			r.tile(q, s, from, min(from+tile, to), v.Pos+t, h, kvHead, a)
		}
	}
	for i := range dst {
		dst[i] = 0
		if r.sum > 0 {
			dst[i] = r.acc[i] / r.sum
		}
	}
}

// logSum is ln Σ e^score over the keys of the pass, very low where there were none.
func (r *reader) logSum() float32 {
	if r.sum == 0 {
		return masked
	}
	return r.top + float32(math.Log(float64(r.sum)))
}

// visible is the range of keys of a segment that the query at position p sees.
func visible(s *backend.Segment, p int) (from, to int) {
	to = s.Count
	if s.Causal {
		to = min(to, p-s.Least-s.Pos+1)
	}
	if s.Window > 0 {
		from = max(0, p-s.Window+1-s.Pos)
	}
	return from, to
}

// tile takes keys from to to of a segment into the online softmax.
func (r *reader) tile(q []float32, s *backend.Segment, from, to, p, h, kvHead int, a backend.Attend) {
	scores := r.scores[:to-from]
	r.biased(scores, q, s, from, p, h, kvHead, a)
	was := r.top
	r.top = max(was, largestOf(scores))
	if fade := exp(was - r.top); fade != 1 {
		r.sum *= fade
		for i := range r.acc {
			r.acc[i] *= fade
		}
	}
	r.sum += vector.ExpSum(scores, r.top)
	r.addValues(scores, s, from, kvHead)
}

// biased are the scores of keys of a segment, from from on, for the query at p of head h, before the softmax.
func (r *reader) biased(scores, q []float32, s *backend.Segment, from, p, h, kvHead int, a backend.Attend) {
	r.products(scores, q, s, from, kvHead)
	for i := range scores {
		scores[i] *= a.Scale
	}
	if a.SoftCap > 0 {
		for i, score := range scores {
			scores[i] = softCap(score, a.SoftCap)
		}
	}
	if !a.Slopes.IsNone() {
		for i := range scores {
			scores[i] += bias(a, h, s, from+i, p)
		}
	}
}

// bias is the ALiBi term of head h for key i of a segment and a query at p.
func bias(a backend.Attend, h int, s *backend.Segment, i, p int) float32 {
	j := s.Pos + i
	if s.Distance > 0 {
		j = p - s.Distance
	}
	slope := row(a.Slopes, 0)[h]
	if a.SlopesBF16 {
		return a.Scale * roundBF16(slope*roundBF16(float32(j)))
	}
	return slope * float32(j-p)
}

// roundBF16 is x to the nearest bf16, ties to even.
func roundBF16(x float32) float32 {
	b := math.Float32bits(x)
	return math.Float32frombits((b + 0x7fff + (b>>16)&1) &^ 0xffff)
}

// products are q·k of keys of a segment, from from on.
func (r *reader) products(dst, q []float32, s *backend.Segment, from, kvHead int) {
	kv := r.kv
	for len(dst) > 0 {
		slot, n := r.run(s, from, len(dst))
		at := keyAt(kv, slot, kvHead)
		switch kv.DType {
		case backend.Q8:
			for i := range n {
				dst[i] = dotQ8(q, q8Keys(kv, at+i), kv.Page)
			}
		case backend.F16:
			halves := words(kv.K).halves()[4*at:]
			for c := 0; c < r.dp; c += 4 {
				vector.WidenF16(r.wide[c*n:(c+4)*n], halves[c*kv.Page:])
			}
			vector.QuadDots(dst[:n], q, r.wide, 4*n)
		default:
			vector.QuadDots(dst[:n], q, words(kv.K).floats()[4*at:], 4*kv.Page)
		}
		dst, from = dst[n:], from+n
	}
}

// addValues adds the values of keys of a segment, from from on, each times its weight.
func (r *reader) addValues(weights []float32, s *backend.Segment, from, kvHead int) {
	kv := r.kv
	for len(weights) > 0 {
		slot, n := r.run(s, from, len(weights))
		at := valueAt(kv, slot, kvHead)
		switch kv.DType {
		case backend.Q8:
			for i := range n {
				addQ8(r.acc, weights[i], q8Value(kv, at+i*kv.DType.HeadRows(kv.HeadDim)))
			}
		case backend.F16:
			vector.WidenF16(r.wide[:n*r.dp], words(kv.V).halves()[4*at:])
			vector.AddRows(r.acc, weights[:n], r.wide)
		default:
			vector.AddRows(r.acc, weights[:n], words(kv.V).floats()[4*at:])
		}
		weights, from = weights[n:], from+n
	}
}

// run is the slot of key i of a segment and how many keys, of at most so many from it on, lie in its page.
func (r *reader) run(s *backend.Segment, i, most int) (slot, n int) {
	at := s.First + i
	index := at % r.kv.Page
	return int(s.Pages[at/r.kv.Page])*r.kv.Page + index, min(most, r.kv.Page-index)
}

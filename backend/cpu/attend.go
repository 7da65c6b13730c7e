package cpu

import (
	"math"

	"github.com/lrun/lrun/backend"
)

// tile is how many keys an online softmax step takes.
const tile = 64

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
	top    float32   // the largest score so far
	sum    float32   // Σ p
}

func newReader(kv *backend.KV) *reader {
	dp := backend.Pad4(kv.HeadDim)
	return &reader{kv: kv, dp: dp, acc: make([]float32, dp)}
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
	was := r.top
	for i := from; i < to; i++ {
		score := r.biased(q, s, i, p, h, kvHead, a)
		r.scores[i-from] = score
		r.top = max(r.top, score)
	}
	fade := exp(was - r.top)
	r.sum *= fade
	for i := range r.acc {
		r.acc[i] *= fade
	}
	for i := from; i < to; i++ {
		weight := exp(r.scores[i-from] - r.top)
		r.sum += weight
		page, index := r.place(s, i)
		r.addValue(weight, page, index, kvHead)
	}
}

// biased is the score of key i of a segment for the query at p of head h, before the softmax.
func (r *reader) biased(q []float32, s *backend.Segment, i, p, h, kvHead int, a backend.Attend) float32 {
	page, index := r.place(s, i)
	return softCap(r.score(q, page, index, kvHead)*a.Scale, a.SoftCap) + bias(a, h, s, i, p)
}

// place is the page and the index in it of key i of a segment.
func (r *reader) place(s *backend.Segment, i int) (page, index int) {
	at := s.First + i
	return int(s.Pages[at/r.kv.Page]), at % r.kv.Page
}

// bias is the ALiBi term of head h for key i of a segment and a query at p.
func bias(a backend.Attend, h int, s *backend.Segment, i, p int) float32 {
	if a.Slopes.IsNone() {
		return 0
	}
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

// score is q·k of the key at index in page.
func (r *reader) score(q []float32, page, index, kvHead int) float32 {
	kv := r.kv
	at := keyAt(kv, page*kv.Page+index, kvHead)
	if kv.DType == backend.Q8 {
		return dotQ8(q, q8Keys(kv, at), kv.Page)
	}
	at *= 4
	sum := float32(0)
	if kv.DType == backend.F32 {
		keys := words(kv.K).floats()
		for i := 0; i < len(q); i, at = i+4, at+kv.Page*4 {
			k, x := keys[at:at+4:at+4], q[i:i+4:i+4]
			sum += k[0]*x[0] + k[1]*x[1] + k[2]*x[2] + k[3]*x[3]
		}
		return sum
	}
	keys, table := words(kv.K).halves(), halfTable()
	for i := 0; i < len(q); i, at = i+4, at+kv.Page*4 {
		k, x := keys[at:at+4:at+4], q[i:i+4:i+4]
		sum += table[k[0]]*x[0] + table[k[1]]*x[1] + table[k[2]]*x[2] + table[k[3]]*x[3]
	}
	return sum
}

// addValue adds weight times the value at index in page.
func (r *reader) addValue(weight float32, page, index, kvHead int) {
	kv := r.kv
	at := valueAt(kv, page*kv.Page+index, kvHead)
	if kv.DType == backend.Q8 {
		addQ8(r.acc, weight, q8Value(kv, at))
		return
	}
	at *= 4
	if kv.DType == backend.F32 {
		for i, v := range words(kv.V).floats()[at : at+r.dp] {
			r.acc[i] += weight * v
		}
		return
	}
	table := halfTable()
	for i, v := range words(kv.V).halves()[at : at+r.dp] {
		r.acc[i] += weight * table[v]
	}
}

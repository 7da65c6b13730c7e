package model

import (
	"math"

	"github.com/lrun/lrun/backend"
)

// attention is a layer's attention with its weights.
type attention struct {
	spec         *Attention
	qkv, out     *backend.Matrix
	qkvBias      backend.Tensor
	outBias      backend.Tensor
	slopes       backend.Tensor
	qNorm, kNorm *backend.HeadNorm
	adapter      *adapter
	scale        float32
	inline       bool          // the result goes straight into the residual stream
	norm         *backend.Norm // of the input, or nil
}

func (a *attention) plan(s *Attention, l *loader) {
	a.spec = s
	a.scale = float32(s.Scale)
	if s.Scale == 0 {
		a.scale = float32(1 / math.Sqrt(float64(s.HeadDim)))
	}
	l.matrix(&a.qkv, s.QKV, 1)
	l.bias(&a.qkvBias, s.QKV)
	a.adapter = s.Adapter.plan(l)
	l.matrix(&a.out, s.Out, 1)
	l.bias(&a.outBias, s.Out)
	l.values(&a.slopes, "ALiBi slopes", s.Slopes)
	a.qNorm = l.headNorm(s.QNorm, s.Heads, s.HeadDim)
	a.kNorm = l.headNorm(s.KNorm, s.KVHeads, s.HeadDim)
}

// headNorm plans a norm of heads; nil when there is none.
func (l *loader) headNorm(n *HeadNorm, heads, headDim int) *backend.HeadNorm {
	if n == nil {
		return nil
	}
	width := headDim
	if n.Whole || n.PerHead || n.Names != nil {
		width = heads * headDim
	}
	h := &backend.HeadNorm{Whole: n.Whole}
	l.normInto(&h.Norm, n.Norm, width, n.Names...)
	return h
}

// ask takes the step's tokens of layer i, h, as far as the cache and what is looked up for them.
func (a *attention) ask(o backend.Ops, s *scratch, in *step, i int, h backend.Tensor) {
	z, kv := a.spec, in.pool.Layer(i)
	o.Linear(in.rows(s.qkv[i]), h, a.qkv, backend.Linear{Norm: a.norm, Bias: a.qkvBias})
	a.adapter.add(o, s, in, in.rows(s.qkv[i]), h)
	q := in.queries(s, i)
	r := backend.QKVRope{
		Heads: z.Heads, Slots: in.cols(s.slots), QNorm: a.qNorm, KNorm: a.kNorm, Clip: float32(z.Clip), Sets: in.sets,
	}
	raw := backend.Rotate{From: cut(s.rawFrom, in.raw), To: cut(s.rawSlots, in.raw)}
	if z.Rope != nil {
		t := s.rotary(z.Rope)
		r.Rope, r.Rotary, r.Interleaved, r.Apart = in.blocks(t), z.Rope.Rotary(), z.Rope.Interleaved, z.Rope.Apart()
		raw.Rope, raw.Rotary, raw.Interleaved = t.turns.Slice(0, in.raw), r.Rotary, r.Interleaved
	}
	o.QKVRope(q, in.rows(s.qkv[i]), kv, r)
	if in.raw > 0 {
		o.Rotate(kv, raw)
	}
	if s.sight(i, z).recalls && in.recall.K > 0 {
		o.Recall(q.Slice(2, 1), kv, s.middle, backend.Recall{Heads: z.Heads, To: cut(s.recalled, in.recall.K)})
	}
	if in.looks(i) {
		in.lookUp(o, s, i, q.Slice(in.n, in.n), z.Heads)
	}
}

// answer is attention over the step's views, into s.y or added to s.x.
func (a *attention) answer(o backend.Ops, s *scratch, in *step, i int) {
	z, kv, at := a.spec, in.pool.Layer(i), s.sight(i, a.spec)
	attend := backend.Attend{
		Heads: z.Heads, Scale: a.scale, SoftCap: float32(z.SoftCap), Slopes: a.slopes, SlopesBF16: z.SlopesBF16, LogSum: in.looks(i),
		SetRows: in.n,
	}
	y := in.rows(s.attended[i])
	y.Cols = attend.Width(kv)
	for k := range in.texts {
		t := &in.texts[k]
		q, own, view := in.queriesOf(s, i, t), t.rows(y), *t.views[at]
		o.Attend(own, q, kv, view, attend)
		if in.looks(i) && i >= in.weighed {
			o.Mass(in.seq.Mass(i), q, own, kv, view, backend.Mass{Attend: attend, Segment: len(view.Segments) - 1, Missed: in.missed})
		}
	}
	y.Cols = z.Heads * z.HeadDim
	dst := s.y
	if a.inline {
		dst = s.x
	}
	o.Linear(in.rows(dst), y, a.out, backend.Linear{Bias: a.outBias, Add: a.inline})
}

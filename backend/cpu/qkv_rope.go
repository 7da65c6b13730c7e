package cpu

import (
	"math"

	"github.com/x448/float16"

	"github.com/lrun/lrun/backend"
)

// QKVRope normalises, rotates and files the projections of attention; see backend.QKVRope.
func (o *ops) QKVRope(q, qkv backend.Tensor, kv *backend.KV, a backend.QKVRope) {
	if !o.ready(a.Check(q, qkv, kv)) {
		return
	}
	d := kv.HeadDim
	tokens, apart := qkv.Rows, 0
	if a.Apart {
		apart = 1
	}
	parallel(tokens, 4, func(from, to int) {
		head := make([]float32, d)
		for t := from; t < to; t++ {
			x, slot := row(qkv, t), int(bits(a.Slots, 0)[t])
			queries, keys := x[:a.Heads*d], x[a.Heads*d:(a.Heads+kv.KVHeads)*d]
			vals := x[(a.Heads+kv.KVHeads)*d:]
			for h := range a.Heads {
				for set := range max(a.Sets, 1) {
					prepare(head, queries, h, (set+apart)*tokens+t, a.QNorm, a)
					storeQuery(row(q, set*tokens+t)[h*backend.Pad4(d):], head)
				}
			}
			for h := range kv.KVHeads {
				prepare(head, keys, h, t, a.KNorm, a)
				storeKey(kv, slot, h, head)
				clip(head, vals[h*d:(h+1)*d], a.Clip)
				storeValue(kv, slot, h, head)
			}
		}
	})
}

// storeQuery writes a head of queries, padded with zeros.
func storeQuery(dst, head []float32) {
	copy(dst, head)
	clear(dst[len(head):backend.Pad4(len(head))])
}

// prepare is head h of all, normalised, clipped and rotated by a row of the rope, in dst.
func prepare(dst, all []float32, h, ropeRow int, n *backend.HeadNorm, a backend.QKVRope) {
	d := len(dst)
	x := all[h*d : (h+1)*d]
	if n != nil {
		x = normaliseHead(dst, all, h, n)
	}
	clip(dst, x, a.Clip)
	if a.Rotary > 0 {
		rotate(dst[:a.Rotary], row(a.Rope, ropeRow), a.Interleaved)
	}
}

// normaliseHead is the norm of head h of all in dst, and returns dst.
func normaliseHead(dst, all []float32, h int, n *backend.HeadNorm) []float32 {
	d := len(dst)
	x := all[h*d : (h+1)*d]
	over := x
	if n.Whole {
		over = all
	}
	mean, scale := statistics(over, n.Norm)
	weight, bias := ofHead(n.Weight, h, d), ofHead(n.Bias, h, d)
	for i, v := range x {
		dst[i] = affine((v-mean)*scale, i, weight, bias)
	}
	return dst
}

// ofHead are the parameters of head h: shared by all when the vector is one head long.
func ofHead(t backend.Tensor, h, d int) []float32 {
	v := values(t)
	if len(v) > d {
		return v[h*d : (h+1)*d]
	}
	return v
}

// clip clamps x to ±limit into dst; no limit when 0.
func clip(dst, x []float32, limit float32) {
	copy(dst, x)
	if limit > 0 {
		for i, v := range dst {
			dst[i] = max(-limit, min(limit, v))
		}
	}
}

// rotate turns pairs of x by the angles whose cosines and sines rope holds.
func rotate(x, rope []float32, interleaved bool) {
	half := len(x) / 2
	for i := range half {
		a, b := i, i+half
		if interleaved {
			a, b = 2*i, 2*i+1
		}
		c, s := rope[i], rope[half+i]
		x[a], x[b] = x[a]*c-x[b]*s, x[b]*c+x[a]*s
	}
}

// storeKey writes a key of head h to its slot, quad by quad.
func storeKey(kv *backend.KV, slot, h int, key []float32) {
	at := keyAt(kv, slot, h)
	if kv.DType == backend.Q8 {
		storeQ8(q8Keys(kv, at), kv.Page, key)
		return
	}
	at *= 4
	if kv.DType == backend.F32 {
		keys := words(kv.K).floats()
		for i := 0; i < len(key); i, at = i+4, at+kv.Page*4 {
			copy(keys[at:at+4], key[i:min(i+4, len(key))])
		}
		return
	}
	for i, v := range key {
		storeElement(kv, kv.K, at+i/4*kv.Page*4+i%4, v)
	}
}

// keyAt is the first row of a key of head h; its others follow at a distance of Page rows.
func keyAt(kv *backend.KV, slot, h int) int {
	page, index := slot/kv.Page, slot%kv.Page
	return (page*kv.KVHeads+h)*kv.DType.HeadRows(kv.HeadDim)*kv.Page + index
}

// valueAt is the first row of a value of head h; its others follow.
func valueAt(kv *backend.KV, slot, h int) int {
	page, index := slot/kv.Page, slot%kv.Page
	return ((page*kv.KVHeads+h)*kv.Page + index) * kv.DType.HeadRows(kv.HeadDim)
}

// storeValue writes a value of head h to its slot.
func storeValue(kv *backend.KV, slot, h int, value []float32) {
	at := valueAt(kv, slot, h)
	if kv.DType == backend.Q8 {
		storeQ8(q8Value(kv, at), 1, value)
		return
	}
	for i, v := range value {
		storeElement(kv, kv.V, 4*at+i, v)
	}
}

// storeElement keeps halves finite: pack2x16float gives infinity from 65,520 on.
func storeElement(kv *backend.KV, b backend.Buffer, at int, v float32) {
	if kv.DType == backend.F32 {
		words(b).floats()[at] = v
		return
	}
	const largest = 65504
	if !math.IsNaN(float64(v)) {
		v = max(-largest, min(largest, v))
	}
	words(b).halves()[at] = float16.Fromfloat32(v).Bits()
}

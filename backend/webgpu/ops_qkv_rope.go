//go:build cgo && !nogpu && ((linux && amd64) || (darwin && (amd64 || arm64)) || (windows && amd64))

package webgpu

import (
	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/wgsl"
)

// QKVRope normalises, rotates and files the projections of attention; see backend.QKVRope.
func (s *step) QKVRope(q, qkv backend.Tensor, kv *backend.KV, a backend.QKVRope) {
	if s.refused(a.Check(q, qkv, kv)) {
		return
	}
	if !s.fits("qkv_rope", kv) {
		return
	}
	qn, kn := headNorm(a.QNorm), headNorm(a.KNorm)
	queries := max(a.Sets, 1) * a.Heads
	if qn.Bias.IsNone() && kn.Bias.IsNone() {
		s.rope(q, qkv, kv, a, 0, queries+2*kv.KVHeads, qn.Weight, kn.Weight)
		return
	}
	s.rope(q, qkv, kv, a, 0, queries, qn.Weight, qn.Bias)
	s.rope(q, qkv, kv, a, queries, 2*kv.KVHeads, kn.Weight, kn.Bias)
}

// rope launches the kernel for heads first, first + 1, … with two of the norms' vectors: the weights for queries and for
// keys, or the weight and the bias of the one kind of head that has a norm among these.
func (s *step) rope(q, qkv backend.Tensor, kv *backend.KV, a backend.QKVRope, first, heads int, weight, second backend.Tensor) {
	qn, kn := headNorm(a.QNorm), headNorm(a.KNorm)
	biased := !qn.Bias.IsNone() || !kn.Bias.IsNone()
	params := [...]uint32{
		uint32(first), uint32(a.Heads), uint32(kv.KVHeads), uint32(kv.HeadDim), uint32(kv.Page),
		uint32(a.Rotary), flag(a.Interleaved, 1), uint32(qkv.Rows), uint32(qkv.Stride), quads(q), uint32(a.Rope.Stride),
		flag(biased, 1), headNormBits(a.QNorm, kv.HeadDim), headNormBits(a.KNorm, kv.HeadDim),
		bits(qn.Eps), bits(kn.Eps), bits(a.Clip), uint32(max(a.Sets, 1)), flag(a.Apart, 1),
	}
	y, z := fold(qkv.Rows)
	s.dispatch("qkv_rope", wgsl.QKVRope, wgsl.QKVRope.Variants[cacheFormat(kv.DType)], params[:], uint32(heads), y, z,
		bindTensor(qkv), bindTensor(a.Slots), bindTensor(a.Rope), bindTensor(weight), bindTensor(second),
		bindTensor(q), bindKeys(kv.K, kv, qkv.Rows), bindKeys(kv.V, kv, qkv.Rows))
}

// headNorm is the norm's parameters, none where there is no norm.
func headNorm(n *backend.HeadNorm) backend.Norm {
	if n == nil {
		return backend.Norm{}
	}
	return n.Norm
}

// headNormBits describes a head norm to the kernel.
func headNormBits(n *backend.HeadNorm, headDim int) uint32 {
	if n == nil {
		return 0
	}
	return 1 | flag(n.RMS, 2) | flag(n.Whole, 4) | has(n.Weight, 8) | flag(n.Weight.Cols > headDim, 16) |
		has(n.Bias, 32) | flag(n.Bias.Cols > headDim, 64)
}

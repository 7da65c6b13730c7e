//go:build cgo && !nogpu && ((linux && amd64) || (darwin && (amd64 || arm64)) || (windows && amd64))

package webgpu

import (
	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/wgsl"
)

// Mass adds up how much attention cached keys receive; see backend.Mass.
func (s *step) Mass(mass, q, attended backend.Tensor, kv *backend.KV, v backend.View, a backend.Mass) {
	if s.refused(a.Check(mass, q, attended, kv, v)) || !s.fits("mass", kv) {
		return
	}
	s.writeView(v)
	count, n := v.Segments[a.Segment].Count, backend.Pad4(kv.HeadDim)/4
	params := [...]uint32{
		uint32(kv.KVHeads), uint32(a.Heads / kv.KVHeads), uint32(kv.Page), uint32(a.Segment), uint32(attended.Rows),
		uint32(int32(v.Pos)), alibi(a.Attend), quads(q), uint32(attended.Stride), uint32(a.Heads * kv.HeadDim),
		uint32(mass.Cols), uint32(mass.Stride), bits(a.Scale), bits(a.SoftCap),
	}
	s.work(attended.Rows * a.Heads * count * n * 4)
	s.dispatch("mass", wgsl.Mass, wgsl.Mass.Variants[cacheFormat(kv.DType)*wgsl.MaxQuads+n-1], params[:],
		uint32(ceil(count, 64)), uint32(a.Heads), 1, bindTensor(q), bindKeys(kv.K, kv, count), bindKeys(kv.V, kv, 0), bindTensor(v.Table),
		bindTensor(a.Slopes), bindTensor(attended), bindTensor(a.Missed), bindTensor(mass))
}

// Represent makes the representative keys of blocks; see backend.Represent.
func (s *step) Represent(reps, kv *backend.KV, mass backend.Tensor, a backend.Represent) {
	if s.refused(a.Check(reps, kv, mass)) || !s.fits("represent", kv) {
		return
	}
	params := [...]uint32{
		uint32(kv.KVHeads), uint32(reps.KVHeads / kv.KVHeads), uint32(backend.Pad4(kv.HeadDim) / 4), uint32(kv.Page),
		uint32(reps.Page), uint32(a.TopK), uint32(mass.Cols), uint32(mass.Stride), uint32(a.Blocks.Stride),
	}
	s.dispatch("represent", wgsl.Represent, wgsl.Represent.Variants[cacheFormat(kv.DType)], params[:], uint32(a.Blocks.Cols), uint32(reps.KVHeads), 1,
		bindTensor(a.Blocks), bindTensor(mass), bindBuffer(kv.K), bindBuffer(kv.V), bindBuffer(reps.K))
}

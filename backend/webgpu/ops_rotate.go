//go:build cgo && !nogpu && ((linux && amd64) || (darwin && (amd64 || arm64)) || (windows && amd64))

package webgpu

import (
	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/wgsl"
)

// Rotate turns cached keys anew; see backend.Rotate.
func (s *step) Rotate(kv *backend.KV, a backend.Rotate) {
	if s.refused(a.Check(kv)) {
		return
	}
	if !s.fits("rotate", kv) {
		return
	}
	params := [...]uint32{
		uint32(kv.KVHeads), uint32(kv.HeadDim), uint32(kv.Page), uint32(a.Rotary), flag(a.Interleaved, 1),
		uint32(a.To.Cols), uint32(a.Rope.Stride),
	}
	y, z := fold(a.To.Cols)
	s.dispatch("rotate", wgsl.Rotate, wgsl.Rotate.Variants[cacheFormat(kv.DType)], params[:], uint32(kv.KVHeads), y, z,
		bindTensor(a.From), bindTensor(a.To), bindTensor(a.Rope), bindKeys(kv.K, kv, a.To.Cols), bindKeys(kv.V, kv, a.To.Cols))
}

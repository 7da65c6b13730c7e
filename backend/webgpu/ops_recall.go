//go:build cgo && !nogpu && ((linux && amd64) || (darwin && (amd64 || arm64)) || (windows && amd64))

package webgpu

import (
	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/wgsl"
)

// Recall copies the keys that matter most to a query, and their values; see backend.Recall.
func (s *step) Recall(q backend.Tensor, kv *backend.KV, v backend.View, a backend.Recall) {
	if s.refused(a.Check(q, kv, v)) || !s.fits("recall", kv) {
		return
	}
	s.writeView(v)
	count := v.Segments[0].Count
	scores := s.scratch("recall", 4*kv.KVHeads*count)
	quads := backend.Pad4(kv.HeadDim) / 4
	each := ceil(count, 64) // iterations of a loop for each pick
	if each > loopLimit {
		s.fail("recall", "a look-up among %d keys; at most %d are supported on WebGPU", count, 64*loopLimit)
		return
	}
	params := [...]uint32{
		uint32(kv.KVHeads), uint32(a.Heads / kv.KVHeads), uint32(quads), uint32(kv.Page), uint32(count), 0, 0,
	}
	s.work(a.Heads * count * quads * 4)
	x, z := fold(ceil(count, 64))
	s.dispatch("recall", wgsl.RecallScore, wgsl.RecallScore.Variants[cacheFormat(kv.DType)], params[:], x, uint32(kv.KVHeads), z,
		bindTensor(q), bindKeys(kv.K, kv, count), bindKeys(kv.V, kv, 0), bindTensor(v.Table), scores)
	for first := 0; first < a.To.Cols; first += loopLimit / each {
		params[5], params[6] = uint32(min(loopLimit/each, a.To.Cols-first)), uint32(first)
		s.dispatch("recall", wgsl.RecallPick, wgsl.RecallPick.Variants[cacheFormat(kv.DType)], params[:], uint32(kv.KVHeads), 1, 1,
			bindTensor(v.Table), bindTensor(a.To), scores, bindKeys(kv.K, kv, 2*int(params[5])), bindKeys(kv.V, kv, 2*int(params[5])))
	}
}

// loopLimit bounds the iterations of a shader's loops, those of nested ones together: lavapipe ends a shader silently
// after 65,535.
const loopLimit = 60000

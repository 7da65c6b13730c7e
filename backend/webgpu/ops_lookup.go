//go:build cgo && !nogpu && ((linux && amd64) || (darwin && (amd64 || arm64)) || (windows && amd64))

package webgpu

import (
	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/wgsl"
)

// maxPicks is how many blocks lookup_pick has room for.
const maxPicks = 256

// Lookup chooses the blocks that matter most to some queries; see backend.Lookup.
func (s *step) Lookup(q backend.Tensor, reps, kv *backend.KV, v backend.View, a backend.Lookup) {
	if s.refused(a.Check(q, reps, kv, v)) {
		return
	}
	if a.Picks.Cols > maxPicks {
		s.fail("lookup", "%d blocks at once; at most %d are supported on WebGPU", a.Picks.Cols, maxPicks)
		return
	}
	where := 0
	if a.Cached {
		where = len(v.Segments[1].Pages)
	}
	if where/2*ceil(a.Picks.Cols, 64) > loopLimit {
		s.fail("lookup", "%d blocks with pages of their own; at most %d are supported on WebGPU", where/2, loopLimit/ceil(a.Picks.Cols, 64))
		return
	}
	s.writeView(v)
	s.writeView(a.View)
	count, n := v.Segments[0].Count, reps.KVHeads*backend.Pad4(reps.HeadDim)/4
	query := bindTensor(q)
	if q.Rows > 1 {
		sum := s.scratch("sum of queries", n*16)
		s.dispatch("lookup", wgsl.LookupSum, "", []uint32{uint32(q.Rows), uint32(n), quads(q)}, uint32(ceil(n, 64)), 1, 1, query, sum)
		query = sum
	}
	scores, tops := s.scratch("scores of blocks", 4*count), s.scratch("largest scores", 4*ceil(count, 64))
	s.work(count * n * 4)
	x, y := fold(ceil(count, 4*64))
	s.dispatch("lookup", wgsl.LookupScore, "", []uint32{uint32(reps.KVHeads), uint32(backend.Pad4(reps.HeadDim) / 4), uint32(reps.Page), uint32(count)},
		x, y, 1, query, bindKeys(reps.K, reps, count), bindTensor(v.Table), scores, tops)
	s.dispatch("lookup", wgsl.LookupPick, "", []uint32{uint32(count), uint32(a.Picks.Cols), uint32(where), uint32(a.Segment), a.Mark},
		1, 1, 1, bindTensor(v.Table), scores, tops, bindTensor(a.Picks), bindTensor(a.Missed), bindTensor(a.View.Table))
}

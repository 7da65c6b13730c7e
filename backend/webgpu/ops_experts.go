//go:build cgo && !nogpu && ((linux && amd64) || (darwin && (amd64 || arm64)) || (windows && amd64))

package webgpu

import (
	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/wgsl"
)

// The most experts that the route kernel has room for, and that it chooses.
const (
	maxExperts = 1024
	maxChosen  = 64
)

// Route chooses experts; see backend.Route.
func (s *step) Route(dst, x backend.Tensor, w *backend.Matrix, a backend.Route) {
	if s.refused(a.Check(dst, x, w)) {
		return
	}
	if a.Experts > maxExperts || a.TopK > maxChosen {
		s.fail("route", "%d of %d experts; at most %d of %d are supported on WebGPU", a.TopK, a.Experts, maxChosen, maxExperts)
		return
	}
	stride := backend.Stride(w.Rows)
	logits := s.scratch("router logits", x.Rows*stride*4)
	if s.err != nil {
		return
	}
	s.Linear(backend.Tensor{Buf: logits.buf, Rows: x.Rows, Cols: w.Rows, Stride: stride}, x, w, backend.Linear{})
	params := [...]uint32{
		uint32(a.Experts), uint32(a.TopK), uint32(x.Rows), uint32(stride), uint32(dst.Stride),
		flag(a.Normalise, 1), flag(a.Shared(w), 1),
	}
	s.rowKernel("route", wgsl.Route, "", x.Rows, params[:], logits, bindTensor(dst))
}

// ExpertGateUp is GateUp with each token's own experts; see backend.Experts.
func (s *step) ExpertGateUp(dst, x, routes backend.Tensor, w *backend.Matrix, a backend.Experts) {
	if s.refused(a.CheckGateUp(dst, x, routes, w)) {
		return
	}
	if n := maxWorkgroups / a.TopK; x.Rows > n { // a row of dst is a workgroup
		s.ExpertGateUp(dst.Slice(0, n*a.TopK), x.Slice(0, n), routes.Slice(0, n), w, a)
		s.ExpertGateUp(dst.Slice(n*a.TopK, dst.Rows-n*a.TopK), x.Slice(n, x.Rows-n), routes.Slice(n, x.Rows-n), w, a)
		return
	}
	rows := 2 * dst.Cols
	for _, part := range w.Parts {
		params := expertParams(dst, x, routes, w, part, rows, a.TopK, uint32(a.Act))
		s.work(dst.Rows * rows * w.Cols / len(w.Parts))
		gx, gy := fold(ceil(rows, 4))
		s.dispatch("expert_gate_up", wgsl.ExpertGateUp, wgsl.ExpertGateUp.Variants[weightFormat(w.DType)], params[:],
			gx, gy, uint32(dst.Rows), bindBuffer(part.Buf), bindTensor(x), bindTensor(routes), bindTensor(dst))
	}
}

// ExpertDown sums what each token's experts make of their hidden rows; see backend.Experts.
func (s *step) ExpertDown(dst, x, routes backend.Tensor, w *backend.Matrix, a backend.Experts) {
	if s.refused(a.CheckDown(dst, x, routes, w)) {
		return
	}
	if n := maxWorkgroups; dst.Rows > n { // likewise
		s.ExpertDown(dst.Slice(0, n), x.Slice(0, n*a.TopK), routes.Slice(0, n), w, a)
		s.ExpertDown(dst.Slice(n, dst.Rows-n), x.Slice(n*a.TopK, x.Rows-n*a.TopK), routes.Slice(n, dst.Rows-n), w, a)
		return
	}
	for i, part := range w.Parts {
		params := expertParams(dst, x, routes, w, part, dst.Cols, a.TopK, flag(i > 0, 1))
		s.work(x.Rows * dst.Cols * w.Cols / len(w.Parts))
		gx, gy := fold(ceil(dst.Cols, 4))
		s.dispatch("expert_down", wgsl.ExpertDown, wgsl.ExpertDown.Variants[weightFormat(w.DType)], params[:],
			gx, gy, uint32(dst.Rows), bindBuffer(part.Buf), bindTensor(x), bindTensor(routes), bindTensor(dst))
	}
}

// expertParams is the uniform struct of both expert kernels; rows are those of one expert, last its last word.
func expertParams(dst, x, routes backend.Tensor, w *backend.Matrix, part backend.Part, rows, topK int, last uint32) [10]uint32 {
	return [...]uint32{
		rowWords(w), codeWords(w), uint32(rows), uint32(topK), uint32(part.First / rows), uint32(part.Rows / rows),
		quads(x), uint32(dst.Stride), uint32(routes.Stride), last,
	}
}

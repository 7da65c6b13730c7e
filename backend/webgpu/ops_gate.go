//go:build cgo && !nogpu && ((linux && amd64) || (darwin && (amd64 || arm64)) || (windows && amd64))

package webgpu

import (
	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/wgsl"
)

// Join puts rows one behind the other; see backend.Ops.
func (s *step) Join(dst, a, b backend.Tensor) {
	if s.refused(backend.CheckJoin(dst, a, b)) {
		return
	}
	params := [...]uint32{uint32(dst.Cols), uint32(dst.Rows), uint32(a.Cols), uint32(a.Stride), uint32(b.Stride), uint32(dst.Stride)}
	y, z := fold(dst.Rows)
	s.dispatch("join", wgsl.Join, "", params[:], uint32(ceil(dst.Cols, 64)), y, z, bindTensor(a), bindTensor(b), bindTensor(dst))
}

// Gather picks rows out; see backend.Ops.
func (s *step) Gather(dst, x, rows backend.Tensor) {
	if s.refused(backend.CheckGather(dst, x, rows)) {
		return
	}
	params := [...]uint32{uint32(dst.Cols), uint32(dst.Rows), uint32(x.Rows), uint32(x.Stride), uint32(dst.Stride)}
	y, z := fold(dst.Rows)
	s.dispatch("gather", wgsl.Gather, "", params[:], uint32(ceil(dst.Cols, 64)), y, z, bindTensor(x), bindTensor(rows), bindTensor(dst))
}

// Gate multiplies the halves of rows; see backend.Ops.
func (s *step) Gate(dst, x backend.Tensor, act backend.Activation) {
	if s.refused(backend.CheckGate(dst, x)) {
		return
	}
	params := [...]uint32{uint32(dst.Cols), uint32(dst.Rows), uint32(x.Stride), uint32(dst.Stride), uint32(act)}
	y, z := fold(dst.Rows)
	s.dispatch("gate", wgsl.Gate, "", params[:], uint32(ceil(dst.Cols, 64)), y, z, bindTensor(x), bindTensor(dst))
}

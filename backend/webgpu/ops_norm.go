//go:build cgo && !nogpu && ((linux && amd64) || (darwin && (amd64 || arm64)) || (windows && amd64))

package webgpu

import (
	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/wgsl"
)

// Norm normalises rows; see backend.Norm.
func (s *step) Norm(dst, x backend.Tensor, n backend.Norm) {
	if s.refused(n.Check(dst, x)) {
		return
	}
	params := [...]uint32{
		uint32(dst.Cols), uint32(dst.Rows), quads(x), quads(dst), flag(n.RMS, 1),
		has(n.Weight, 1) | has(n.Bias, 2), bits(n.Eps),
	}
	s.rowKernel("norm", wgsl.Norm, "", dst.Rows, params[:],
		bindTensor(x), bindTensor(n.Weight), bindTensor(n.Bias), bindTensor(dst))
}

// normed is norm(x) in scratch memory, good until the next one, or x where there is no norm.
func (s *step) normed(x backend.Tensor, n *backend.Norm) backend.Tensor {
	if n == nil || s.err != nil {
		return x
	}
	y := backend.Tensor{Rows: x.Rows, Cols: x.Cols, Stride: backend.Stride(x.Cols)}
	if b := s.scratch("normed", y.Rows*y.Stride*4); s.err == nil {
		y.Buf = b.buf
		s.Norm(y, x, *n)
	}
	return y
}

// Residual adds a sub-layer's result and prepares the next one's input; see backend.Residual.
func (s *step) Residual(x, y backend.Tensor, a backend.Residual) {
	if s.refused(a.Check(x, y)) {
		return
	}
	post, postKind := orNone(a.Post)
	pre, preKind := backend.Norm{}, uint32(0)
	dst := s.scratch("no destination", 256)
	if !a.Dst.IsNone() {
		pre, preKind = orNone(a.Pre)
		dst = bindTensor(a.Dst)
	}
	params := [...]uint32{
		uint32(x.Cols), uint32(x.Rows), quads(x), quads(y), quads(a.Dst), postKind, preKind,
		has(post.Weight, 1) | has(post.Bias, 2) | has(pre.Weight, 4) | has(pre.Bias, 8),
		bits(a.Scale), bits(post.Eps), bits(pre.Eps),
	}
	s.rowKernel("residual", wgsl.Residual, "", x.Rows, params[:], bindTensor(x), bindTensor(y), dst,
		bindTensor(post.Weight), bindTensor(post.Bias), bindTensor(pre.Weight), bindTensor(pre.Bias))
}

// orNone is a norm that may be absent, and its kind as the shaders number them.
func orNone(n *backend.Norm) (backend.Norm, uint32) {
	switch {
	case n == nil:
		return backend.Norm{}, 0
	case n.RMS:
		return *n, 2
	}
	return *n, 1
}

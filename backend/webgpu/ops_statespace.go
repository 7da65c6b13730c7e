//go:build cgo && !nogpu && ((linux && amd64) || (darwin && (amd64 || arm64)) || (windows && amd64))

package webgpu

import (
	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/wgsl"
)

// DiagonalScan is a diagonal state space; see backend.DiagonalScan.
func (s *step) DiagonalScan(dst, u backend.Tensor, a backend.DiagonalScan) {
	if s.refused(a.Check(dst, u)) {
		return
	}
	quads := a.A.Cols / 8
	v := 0
	for wgsl.DiagonalScanPoles[v] < 4*quads {
		if v++; v == len(wgsl.DiagonalScanPoles) {
			s.fail("diagonal_scan", "%d poles; at most %d are supported on WebGPU", 4*quads, wgsl.DiagonalScanPoles[v-1])
			return
		}
	}
	params := [...]uint32{
		uint32(dst.Rows), uint32(dst.Cols), uint32(quads), uint32(a.A.Stride / 4), uint32(u.Stride), uint32(dst.Stride),
		uint32(a.Act), has(a.D, 1),
	}
	s.work(dst.Rows * dst.Cols * quads * 4 * 8)
	x, y := fold(ceil(dst.Cols, 16))
	s.dispatch("diagonal_scan", wgsl.DiagonalScan, wgsl.DiagonalScan.Variants[v], params[:], x, y, 1, bindTensor(u), bindTensor(a.A),
		bindTensor(a.C), bindTensor(a.D), bindTensor(a.From), bindTensor(a.To), bindTensor(dst))
}

// LongConv is a causal convolution; see backend.LongConv.
func (s *step) LongConv(dst, u backend.Tensor, a backend.LongConv) {
	if s.refused(a.Check(dst, u)) {
		return
	}
	params := [...]uint32{
		uint32(dst.Rows), uint32(dst.Cols), uint32(a.Past.Rows), uint32(a.Kernel.Rows), quads(a.Kernel), quads(a.Past), quads(u),
		quads(dst), uint32(a.Act), has(a.D, 1),
	}
	s.work(dst.Cols * dst.Rows * min(a.Kernel.Rows, a.Past.Rows+dst.Rows))
	y, z := fold(ceil(dst.Rows, 64))
	s.dispatch("long_conv", wgsl.LongConv, "", params[:], uint32(ceil(dst.Cols, 32)), y, z, bindTensor(u), bindTensor(a.Kernel),
		bindTensor(a.Past), bindTensor(a.D), bindTensor(dst))
}

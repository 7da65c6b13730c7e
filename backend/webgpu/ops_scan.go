//go:build cgo && !nogpu && ((linux && amd64) || (darwin && (amd64 || arm64)) || (windows && amd64))

package webgpu

import (
	mathbits "math/bits"

	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/wgsl"
)

// maxScan is the most tokens that a scan takes at once: its loops must end before lavapipe ends them; see loopLimit.
const maxScan = 8192

// scans reports whether the kernels can take so many tokens and states, and fails the step if not.
func (s *step) scans(op string, tokens, states, most int) bool {
	if tokens > maxScan {
		s.fail(op, "%d tokens at once; at most %d are supported on WebGPU, pass them in several steps", tokens, maxScan)
	}
	if states > most {
		s.fail(op, "%d states; at most %d are supported on WebGPU, use the CPU", states, most)
	}
	return s.err == nil
}

// Conv is a causal depthwise convolution; see backend.Conv.
func (s *step) Conv(dst, x backend.Tensor, a backend.Conv) {
	if s.refused(a.Check(dst, x)) {
		return
	}
	params := [...]uint32{
		uint32(dst.Cols), uint32(dst.Rows), uint32(a.Weight.Rows), uint32(a.First), uint32(x.Stride), uint32(dst.Stride),
		uint32(a.Weight.Stride), uint32(a.Act), has(a.Bias, 1),
	}
	y, z := fold(dst.Rows + a.Weight.Rows - 1)
	s.dispatch("conv", wgsl.Conv, "", params[:], uint32(ceil(dst.Cols, 64)), y, z,
		bindTensor(x), bindTensor(a.Weight), bindTensor(a.Bias), bindTensor(a.From), bindTensor(a.To), bindTensor(dst))
}

// PartNorm normalises parts of rows; see backend.PartNorm.
func (s *step) PartNorm(dst, x backend.Tensor, a backend.PartNorm) {
	if s.refused(a.Check(dst, x)) {
		return
	}
	params := [...]uint32{
		uint32(dst.Rows), uint32(a.Lead), uint32(a.Part), uint32(x.Stride), uint32(dst.Stride), uint32(a.Gate.Stride),
		uint32(a.GateFirst), uint32(a.Act), has(a.Weight, 1) | has(a.Gate, 2) | flag(a.Before, 4), bits(a.Eps),
	}
	y, z := fold(dst.Rows)
	s.dispatch("part_norm", wgsl.PartNorm, "", params[:], uint32(a.Parts(dst.Cols)), y, z,
		bindTensor(x), bindTensor(a.Weight), bindTensor(a.Gate), bindTensor(dst))
}

// RGLRU is Griffin's recurrence; see backend.RGLRU.
func (s *step) RGLRU(dst, x backend.Tensor, a backend.RGLRU) {
	if s.refused(a.Check(dst, x)) || !s.scans("rglru", dst.Rows, 1, 1) {
		return
	}
	params := [...]uint32{
		uint32(dst.Cols), uint32(dst.Rows), uint32(x.Stride), uint32(dst.Stride), uint32(a.Input.Stride),
		uint32(a.Recurrence.Stride), uint32(a.Mul.Stride), uint32(a.MulFirst), uint32(a.Act),
		has(a.Mul, 1) | flag(a.Start, 2),
	}
	s.dispatch("rglru", wgsl.RGLRU, "", params[:], uint32(ceil(dst.Cols, 64)), 1, 1, bindTensor(x), bindTensor(a.Input),
		bindTensor(a.Recurrence), bindTensor(a.Lambda), bindTensor(a.Mul), bindTensor(a.From), bindTensor(a.To), bindTensor(dst))
}

// SelectiveScan is Mamba's recurrence; see backend.SelectiveScan.
func (s *step) SelectiveScan(dst, x backend.Tensor, a backend.SelectiveScan) {
	if s.refused(a.Check(dst, x)) || !s.scans("selective_scan", dst.Rows, a.States(), 128) {
		return
	}
	params := [...]uint32{
		uint32(dst.Cols), uint32(dst.Rows), uint32(a.States()), uint32(x.Stride), uint32(a.Delta.Stride), uint32(a.BC.Stride),
		uint32(a.First), uint32(a.AD.Stride), uint32(a.Gate.Stride), uint32(a.GateFirst), uint32(dst.Stride), uint32(a.Act),
		has(a.Gate, 1),
	}
	log := mathbits.Len(uint(ceil(a.States(), 4) - 1)) // of the quads of a channel's states, rounded up to a power of two
	s.work(4 * dst.Rows * dst.Cols * a.States())
	s.dispatch("selective_scan", wgsl.SelectiveScan, wgsl.SelectiveScan.Variants[log], params[:], uint32(ceil(dst.Cols, 64>>log)), 1, 1,
		bindTensor(x), bindTensor(a.Delta), bindTensor(a.BC), bindTensor(a.AD), bindTensor(a.Gate), bindTensor(a.From),
		bindTensor(a.To), bindTensor(dst))
}

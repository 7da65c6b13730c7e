//go:build cgo && !nogpu && ((linux && amd64) || (darwin && (amd64 || arm64)) || (windows && amd64))

package webgpu

import (
	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/wgsl"
)

// step records one step. It implements backend.Ops; the operations proper are in the files ops_*.go.
type step struct {
	dev *device
	err error // the first error; once set, nothing more is recorded
}

// dispatch records one launch of kernel k on x × y × z workgroups. params (at most 64 words) are its uniform struct; the
// bindings are its storage buffers in the shader's order. No workgroups, no launch.
func (s *step) dispatch(op string, k *wgsl.Kernel, v wgsl.Variant, params []uint32, x, y, z uint32, bindings ...binding) {
}

// fail records the step's first error, prefixed with the operation's name.
func (s *step) fail(op string, format string, args ...any) {}

// work tells that the operations recorded next take about so many multiply-adds. When what is recorded since the last
// submission exceeds the adapter's budget, it is submitted, so that no submission runs into a driver's watchdog.
func (s *step) work(multiplyAdds int) {}

// writeWords stores words at the start of the tensor's buffer range, without regard to rows, in order with the other
// operations.
func (s *step) writeWords(t backend.Tensor, words []uint32) {}

// scratch is memory of the backend's own with at least so many bytes, the same for one name in every step. Its contents
// last until the next operation that uses the name.
func (s *step) scratch(name string, bytes int) binding { return binding{} }

// Write implements backend.Ops.
func (s *step) Write(dst backend.Tensor, data []uint32) {}

// Fetch implements backend.Ops.
func (s *step) Fetch(dst backend.Readback, src backend.Tensor) {}

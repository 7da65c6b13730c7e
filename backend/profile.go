package backend

import "context"

// Profiler is a backend that can tell what its kernels take, and what the device can do at best.
type Profiler interface {
	// Speed measures the device, for some seconds on a slow one.
	Speed(ctx context.Context) (Speed, error)
	// StartProfile has every kernel from the next step on timed by itself. Steps take longer for it.
	StartProfile() error
	// StopProfile ends that, and returns what the kernels since took: those that took longest first.
	StopProfile() []KernelTime
}

// Speed is what a device can do at best.
type Speed struct {
	Bytes float64 `json:"bytes_per_second"` // read and written in copying more than its caches hold
	Flops float64 `json:"flops_per_second"` // in f32, two for each multiply-add, of numbers in registers
}

// KernelTime is what all launches of a kernel took together.
type KernelTime struct {
	Name        string `json:"name"`
	Variant     string `json:"variant,omitempty"`
	Count       int    `json:"count"` // launches
	Nanoseconds int64  `json:"nanoseconds"`
	Bytes       int64  `json:"bytes"` // of its operands: those that a launch reads or writes, each once
	Flops       int64  `json:"flops"` // two for each multiply-add, where they are counted
}

// CopyName is the name under which profiles count what is no kernel: copies for the host.
const CopyName = "copy to the host"

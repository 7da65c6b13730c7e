//go:build cgo && !nogpu && ((linux && amd64) || (darwin && (amd64 || arm64)) || (windows && amd64))

package webgpu

import (
	"testing"

	"github.com/lrun/lrun/backend/backendtest"
	"github.com/lrun/lrun/backend/cpu"
	"github.com/lrun/lrun/wgsl"
)

// Ensure that every operation computes what its Go twin computes.
func TestOperationsMatchTwins(t *testing.T) {
	backendtest.Conform(t, testDevice(t), cpu.Open(), backendtest.Cases())
}

// Ensure that a matrix that exceeds the binding limit gives the same results in parts.
func TestOperationsMatchTwinsInParts(t *testing.T) {
	small := ownDevice(t, Options{BindingLimit: 16 << 10})
	backendtest.Conform(t, small, cpu.Open(), backendtest.PartCases())
}

// Ensure that the WebGPU library takes every kernel in every variant.
func TestKernelsCompile(t *testing.T) {
	d := testDevice(t)
	for _, k := range wgsl.Kernels {
		t.Run(k.Name, func(t *testing.T) {
			for _, v := range k.Variants {
				d.mu.Lock()
				_, err := d.pipeline(k, v)
				d.mu.Unlock()
				if err != nil {
					t.Errorf("%q: %v", v, err)
				}
			}
		})
	}
}

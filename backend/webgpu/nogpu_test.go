//go:build !cgo || nogpu || !((linux && amd64) || (darwin && (amd64 || arm64)) || (windows && amd64))

package webgpu

import (
	"strings"
	"testing"
)

// Ensure that a build without WebGPU says so, and what to use instead.
func TestBuildWithoutWebGPU(t *testing.T) {
	_, listing := Adapters()
	_, opening := Open(Options{})
	for _, err := range []error{listing, opening} {
		if err == nil || !strings.Contains(err.Error(), "--backend cpu") {
			t.Errorf("error %v, want one that names --backend cpu", err)
		}
	}
}

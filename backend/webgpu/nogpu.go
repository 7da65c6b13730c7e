//go:build !cgo || nogpu || !((linux && amd64) || (darwin && (amd64 || arm64)) || (windows && amd64))

package webgpu

import (
	"fmt"
	"runtime"

	"github.com/lrun/lrun/backend"
)

var errNoWebGPU = fmt.Errorf("webgpu: this build of lrun is without it: it needs cgo, no tag nogpu, and linux/amd64, darwin or "+
	"windows/amd64 (this is %s/%s); use --backend cpu", runtime.GOOS, runtime.GOARCH)

// Adapters returns an error that says why this build has no WebGPU.
func Adapters() ([]AdapterInfo, error) { return nil, errNoWebGPU }

// Open returns an error that says why this build has no WebGPU.
func Open(Options) (backend.Backend, error) { return nil, errNoWebGPU }

// ForgetTuning returns an error that says why this build has no WebGPU.
func ForgetTuning(string) (string, error) { return "", errNoWebGPU }

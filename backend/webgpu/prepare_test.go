//go:build cgo && !nogpu && ((linux && amd64) || (darwin && (amd64 || arm64)) || (windows && amd64))

package webgpu

import (
	"fmt"
	"strings"
	"testing"

	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/wgsl"
)

// Ensure that a prepared step's kernels are compiled without a launch, and that the step then needs no other.
func TestPrepareCompilesWhatAStepNeeds(t *testing.T) {
	d := ownDevice(t, Options{})
	x, y := tensor(t, d, 4, 64), tensor(t, d, 4, 64)
	do(t, d, func(s *step) { s.Write(x, upFrom(256, 0)) })
	step := func(o backend.Ops) {
		o.Norm(y, x, backend.Norm{RMS: true})
		o.Residual(x, y, backend.Residual{Scale: 1})
	}
	known, launched := len(d.pipelines), d.Dispatches()
	if err := d.Prepare(step); err != nil {
		t.Fatal(err)
	}
	d.compiling.Wait()
	planned := len(d.pipelines)
	if planned != known+2 || d.Dispatches() != launched {
		t.Errorf("%d kernels prepared, want 2; %d launched, want none", planned-known, d.Dispatches()-launched)
	}
	for key, p := range d.pipelines {
		if p.handle == 0 {
			t.Errorf("kernel %s is not compiled", key.kernel.Name)
		}
	}
	equal(t, "x", contents(t, d, x), upFrom(256, 0))
	if err := d.Do(step); err != nil {
		t.Fatal(err)
	}
	if len(d.pipelines) != planned {
		t.Errorf("the step needed %d kernels more", len(d.pipelines)-planned)
	}
}

// Ensure that of many kernels compiled at once those that are wrong say so in the step that needs them, and no others, and
// nothing is left of it on the device.
func TestPrepareKeepsErrorsApart(t *testing.T) {
	d := ownDevice(t, Options{})
	y := tensor(t, d, 1, 64)
	var kernels []*wgsl.Kernel
	for i := range 12 {
		k := &wgsl.Kernel{Name: fmt.Sprint("test_", i), Bindings: addKernel.Bindings}
		source := addSource
		if i%3 == 0 {
			source = strings.Replace(addSource, "p.a *", fmt.Sprintf("wrong_%d *", i), 1)
		}
		d.mu.Lock()
		_, err := d.newPipeline(k, "", func() (string, error) { return source, nil })
		d.mu.Unlock()
		if err != nil {
			t.Fatal(err)
		}
		kernels = append(kernels, k)
	}
	use := func(k *wgsl.Kernel) func(backend.Ops) {
		return func(o backend.Ops) {
			o.(*step).dispatch("use", k, "", []uint32{64, 1, 1, 0}, 1, 1, 1, bindTensor(backend.Tensor{}), bindTensor(y))
		}
	}
	for _, k := range kernels {
		if err := d.Prepare(use(k)); err != nil {
			t.Fatal(err)
		}
	}
	for i, k := range kernels {
		switch err := d.Do(use(k)); {
		case i%3 != 0 && err != nil:
			t.Errorf("kernel %d: %v", i, err)
		case i%3 == 0 && (err == nil || !strings.Contains(err.Error(), "kernel "+k.Name) || !strings.Contains(err.Error(), fmt.Sprint("wrong_", i))):
			t.Errorf("kernel %d: error %v, want one of its own", i, err)
		}
	}
}

// Ensure that a device can be closed while kernels are compiled ahead.
func TestCloseWhileCompiling(t *testing.T) {
	d := ownDevice(t, Options{})
	for _, k := range wgsl.Kernels {
		d.mu.Lock()
		p, err := d.pipeline(k, k.Sample()[0])
		if err == nil {
			d.compileAhead(p)
		}
		d.mu.Unlock()
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if err := d.Prepare(func(backend.Ops) {}); err != errClosed {
		t.Errorf("error %v after that, want %v", err, errClosed)
	}
}

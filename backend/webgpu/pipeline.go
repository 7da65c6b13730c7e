//go:build cgo && !nogpu && ((linux && amd64) || (darwin && (amd64 || arm64)) || (windows && amd64))

package webgpu

import (
	"fmt"
	"sync"

	"github.com/lrun/lrun/wgsl"
)

// layoutKey is the number of storage bindings and, for each, 1 where the kernel writes it.
type layoutKey struct {
	count   int
	written [maxBindings]uint8
}

// layout is the native layout of all kernels that access their bindings in the same way.
type layout struct {
	group    handle
	pipeline handle
}

type pipelineKey struct {
	kernel  *wgsl.Kernel
	variant wgsl.Variant
}

// pipeline is a kernel that is compiled by whoever needs it first, or ahead; see Prepare.
type pipeline struct {
	layout  *layout
	written [maxBindings]uint8
	build   func() (handle, error)
	ahead   bool // compileAhead has it

	once   sync.Once
	handle handle
	err    error
}

// compile returns once the kernel is compiled, or cannot be: after 0.3 ms to a second, the first time. It needs no lock.
func (p *pipeline) compile() error {
	p.once.Do(func() { p.handle, p.err = p.build() })
	return p.err
}

// pipeline returns the kernel's, which may still have to be compiled.
func (d *device) pipeline(k *wgsl.Kernel, v wgsl.Variant) (*pipeline, error) {
	if p := d.pipelines[pipelineKey{k, v}]; p != nil {
		return p, nil
	}
	return d.newPipeline(k, v, func() (string, error) { return k.Source(v) })
}

// newPipeline plans the pipeline of a kernel with a text, and keeps it.
func (d *device) newPipeline(k *wgsl.Kernel, v wgsl.Variant, text func() (string, error)) (*pipeline, error) {
	key, err := keyOf(k)
	if err != nil {
		return nil, err
	}
	l, err := d.layout(key)
	if err != nil {
		return nil, fmt.Errorf("layout of kernel %s: %w", k.Name, err)
	}
	p := &pipeline{layout: l, written: key.written, build: func() (handle, error) {
		source, err := text()
		if err != nil {
			return 0, err
		}
		h, err := d.gpu.newPipeline(l.pipeline, k.Name, source)
		if err != nil {
			return 0, fmt.Errorf("compiling kernel %s, variant %q: %w", k.Name, v, err)
		}
		return h, nil
	}}
	d.pipelines[pipelineKey{k, v}] = p
	return p, nil
}

func keyOf(k *wgsl.Kernel) (layoutKey, error) {
	if len(k.Bindings) > maxBindings {
		return layoutKey{}, fmt.Errorf("kernel %s has %d storage bindings; WebGPU guarantees %d",
			k.Name, len(k.Bindings), maxBindings)
	}
	key := layoutKey{count: len(k.Bindings)}
	for i, a := range k.Bindings {
		if a == wgsl.ReadWrite {
			key.written[i] = 1
		}
	}
	return key, nil
}

func (d *device) layout(key layoutKey) (*layout, error) {
	if l := d.layouts[key]; l != nil {
		return l, nil
	}
	group, pipeline, err := d.gpu.newLayout(key.written[:key.count])
	if err != nil {
		return nil, err
	}
	l := &layout{group, pipeline}
	d.layouts[key] = l
	return l, nil
}

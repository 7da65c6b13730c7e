//go:build cgo && !nogpu && ((linux && amd64) || (darwin && (amd64 || arm64)) || (windows && amd64))

package webgpu

import (
	"fmt"

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

// pipeline is a compiled kernel.
type pipeline struct {
	handle  handle
	layout  *layout
	written [maxBindings]uint8
}

// pipeline returns the compiled kernel. The first call for a kernel and variant compiles: 0.3 ms to a second.
func (d *device) pipeline(k *wgsl.Kernel, v wgsl.Variant) (*pipeline, error) {
	if p := d.pipelines[pipelineKey{k, v}]; p != nil {
		return p, nil
	}
	source, err := k.Source(v)
	if err != nil {
		return nil, err
	}
	return d.compile(k, v, source)
}

// compile makes the pipeline of a kernel from its text, and keeps it.
func (d *device) compile(k *wgsl.Kernel, v wgsl.Variant, source string) (*pipeline, error) {
	key, err := keyOf(k)
	if err != nil {
		return nil, err
	}
	l, err := d.layout(key)
	if err != nil {
		return nil, fmt.Errorf("layout of kernel %s: %w", k.Name, err)
	}
	h, err := d.gpu.newPipeline(l.pipeline, k.Name, source)
	if err != nil {
		return nil, fmt.Errorf("compiling kernel %s, variant %q: %w", k.Name, v, err)
	}
	p := &pipeline{h, l, key.written}
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

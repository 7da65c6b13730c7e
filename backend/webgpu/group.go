//go:build cgo && !nogpu && ((linux && amd64) || (darwin && (amd64 || arm64)) || (windows && amd64))

package webgpu

import (
	"errors"
	"fmt"
)

var (
	errForeign  = errors.New("an operand is not memory of this device")
	errReleased = errors.New("an operand was released")
)

// keptGroups bounds the bind groups that are kept. A model's step needs some ten for each layer.
const keptGroups = 4096

// groupKey names a bind group: its layout, and for each binding the buffer and the range in words.
type groupKey struct {
	layout *layout
	ranges [maxBindings]struct{ id, offset, size uint32 }
}

// group is a native bind group and the buffers that it holds on to.
type group struct {
	handle  handle
	buffers [maxBindings]*buffer
}

func (g *group) dead() bool {
	for _, b := range g.buffers {
		if b != nil && b.dead.Load() {
			return true
		}
	}
	return false
}

// group returns the bind group of a pipeline for these bindings, one for each of the kernel's.
func (d *device) group(p *pipeline, bindings []binding) (handle, error) {
	key := groupKey{layout: p.layout}
	for i := range bindings {
		b := &bindings[i]
		if b.buf == nil && b.size < 0 {
			return 0, fmt.Errorf("%w (number %d)", errForeign, i+1)
		}
		r := &key.ranges[i]
		if b.buf != nil {
			r.id = b.buf.id
		}
		r.offset, r.size = uint32(b.offset/4), uint32(b.size/4)
	}
	if g := d.groups[key]; g != nil {
		return g.handle, nil
	}
	g, err := d.newGroup(p, bindings)
	if err != nil {
		return 0, err
	}
	d.groups[key] = g
	return g.handle, nil
}

func (d *device) newGroup(p *pipeline, bindings []binding) (*group, error) {
	var full [maxBindings]binding // with what stands for absent operands
	for i, b := range bindings {
		if b.buf == nil {
			absent := d.absent[p.written[i]]
			b = bindBuffer(absent)
		}
		full[i] = b
	}
	if err := d.checkGroup(p, full[:len(bindings)]); err != nil {
		return nil, err
	}
	g := &group{}
	var ranges [maxBindings + 1]nativeRange
	ranges[0] = makeRange(d.uniforms, 0, slotBytes)
	for i, b := range full[:len(bindings)] {
		ranges[i+1] = makeRange(b.buf.handle, b.offset, b.size)
		g.buffers[i] = b.buf
	}
	var err error
	g.handle, err = d.gpu.newGroup(p.layout.group, ranges[:len(bindings)+1])
	return g, err
}

// checkGroup finds what wgpu would refuse, or abort on, in words that name the operand.
func (d *device) checkGroup(p *pipeline, bindings []binding) error {
	for i, b := range bindings {
		switch {
		case b.buf.dev != d:
			return fmt.Errorf("%w (number %d)", errForeign, i+1)
		case b.buf.dead.Load():
			return fmt.Errorf("%w (number %d)", errReleased, i+1)
		case b.offset%slotBytes != 0 || b.size%4 != 0 || b.size <= 0 || b.offset < 0 || b.offset+b.size > b.buf.room:
			return fmt.Errorf("operand %d is bytes %d to %d of a buffer of %d", i+1, b.offset, b.offset+b.size, b.buf.room)
		}
		for j := range i {
			if bindings[j].buf == b.buf && p.written[i] != p.written[j] {
				return fmt.Errorf("operands %d and %d share a buffer, and only one of them is written", j+1, i+1)
			}
		}
	}
	return nil
}

// trimGroups drops all bind groups once there are too many of them, before a step is recorded.
func (d *device) trimGroups() {
	if len(d.groups) < keptGroups {
		return
	}
	for _, g := range d.groups {
		freeGroup(g.handle)
	}
	clear(d.groups)
}

//go:build cgo && !nogpu && ((linux && amd64) || (darwin && (amd64 || arm64)) || (windows && amd64))

package webgpu

import (
	"context"
	"errors"
	"time"

	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/wgsl"
)

const (
	probeBytes  = 256 << 20 // copied at once, where the adapter can bind that much
	probeLeast  = 1 << 20
	probePairs  = 4                     // of buffers, the fastest counts: on an H100 some copy at half of what others do
	probeTime   = 50 * time.Millisecond // of a run that counts
	probeRuns   = 3                     // of these the fastest
	probeRounds = 128                   // of probe_fma's loop
	probeGroups = 16                    // workgroups of a unit of its work
	probeMost   = 1024                  // units at once

	probeMacs  = probeRounds * 64 * 256 * probeGroups // multiply-adds of a unit
	probeBlock = 16 * 256                             // bytes that a workgroup of probe_copy copies
)

// Speed implements backend.Profiler.
func (d *device) Speed(ctx context.Context) (backend.Speed, error) {
	var s backend.Speed
	var used *buffer // of the pair before: what the multiply-adds are launched with
	for range probePairs {
		from, to, err := d.probeBuffers()
		if used != nil && errors.Is(err, errOutOfMemory) {
			break
		}
		if err != nil {
			return s, err
		}
		defer from.Release()
		defer to.Release()
		if used != nil && to.room < used.room {
			break // no room is left for as much: less might fit a cache
		}
		used = to
		copies, err := d.copies(ctx, from, to)
		if err != nil {
			return s, err
		}
		s.Bytes = max(s.Bytes, 2*float64(from.room)*copies)
	}
	units, err := d.rate(ctx, func(o *step, n int) {
		for ; n > 0; n -= probeMost {
			o.work(min(n, probeMost) * probeMacs)
			params := []uint32{probeRounds, bits(0.999), bits(0.001)}
			o.dispatch("speed", wgsl.ProbeFma, "", params, uint32(min(n, probeMost)*probeGroups), 1, 1, bindBuffer(used))
		}
	})
	s.Flops = 2 * probeMacs * units
	return s, err
}

// copies is how often a second one buffer can be copied to another.
func (d *device) copies(ctx context.Context, from, to *buffer) (float64, error) {
	x, y := fold(from.room / probeBlock)
	return d.rate(ctx, func(o *step, n int) {
		for range n {
			o.work(from.room)
			o.dispatch("speed", wgsl.ProbeCopy, "", []uint32{uint32(from.room / 16)}, x, y, 1, bindBuffer(from), bindBuffer(to))
		}
	})
}

// probeBuffers are two of the same size, as large as there is room for.
func (d *device) probeBuffers() (from, to *buffer, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.enter(); err != nil {
		return nil, nil, err
	}
	for n := min(probeBytes, d.bindingLimit/probeBlock*probeBlock); ; n /= 2 {
		if from, err = d.newBuffer(n, &d.overhead); err == nil {
			if to, err = d.newBuffer(n, &d.overhead); err == nil {
				return from, to, nil
			}
			from.Release()
			d.bury()
		}
		if !errors.Is(err, errOutOfMemory) || n < 2*probeLeast {
			return nil, nil, err
		}
	}
}

// rate is how many units of work the device does in a second: as many as take a while, and of some such runs the fastest.
func (d *device) rate(ctx context.Context, record func(o *step, units int)) (float64, error) {
	best := 0.0
	for n, run := 1, 0; run < probeRuns; {
		start := time.Now()
		if err := d.Do(func(o backend.Ops) { record(o.(*step), n) }); err != nil {
			return 0, err
		}
		if err := d.Sync(ctx); err != nil {
			return 0, err
		}
		took := time.Since(start)
		if took < probeTime && n < 1<<24 {
			n *= 2
			continue
		}
		best = max(best, float64(n)/took.Seconds())
		run++
	}
	return best, nil
}

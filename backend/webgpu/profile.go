//go:build cgo && !nogpu && ((linux && amd64) || (darwin && (amd64 || arm64)) || (windows && amd64))

package webgpu

import (
	"cmp"
	"encoding/binary"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/wgsl"
)

var _ backend.Profiler = (*device)(nil)

// profile is what commands took since it was begun. While there is one, each submission is waited for.
type profile struct {
	ticks   nativeTicks
	status  *uint32 // of mapping the ticks
	period  float64 // nanoseconds of a tick; 0: the device cannot tell the time
	empty   int64   // nanoseconds of submitting nothing, where commands are timed by submitting each
	pending []cost  // of the commands since the last submission
	kernels map[pipelineKey]*backend.KernelTime
}

// cost is what a command is known to cost before it has run.
type cost struct {
	kernel      pipelineKey // none: a copy
	bytes, macs int
}

// launch notes a launch of a kernel. Without a profile it does nothing.
func (p *profile) launch(k *wgsl.Kernel, v wgsl.Variant, bindings []binding, macs int) {
	if p == nil {
		return
	}
	c := cost{kernel: pipelineKey{k, v}, macs: macs}
	for i := range bindings {
		c.bytes += bindings[i].touched
	}
	p.pending = append(p.pending, c)
}

// copy notes a copy. Without a profile it does nothing.
func (p *profile) copy(bytes int) {
	if p != nil {
		p.pending = append(p.pending, cost{bytes: 2 * bytes})
	}
}

// add counts a command that took some time.
func (p *profile) add(c cost, nanoseconds int64) {
	k := p.kernels[c.kernel]
	if k == nil {
		k = &backend.KernelTime{Name: backend.CopyName, Variant: string(c.kernel.variant)}
		if c.kernel.kernel != nil {
			k.Name = c.kernel.kernel.Name
		}
		p.kernels[c.kernel] = k
	}
	k.Count++
	k.Nanoseconds += max(0, nanoseconds)
	k.Bytes += int64(c.bytes)
	k.Flops += 2 * int64(c.macs)
}

// StartProfile implements backend.Profiler, by timestamps where the device has them.
func (d *device) StartProfile() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.enter(); err != nil {
		return err
	}
	if d.profile != nil {
		return errors.New("webgpu: a profile is being taken already")
	}
	if err := d.awaitLocked(d.submitted); err != nil { // what calibrate submits would wait for it
		return err
	}
	p := &profile{kernels: map[pipelineKey]*backend.KernelTime{}}
	if err := d.newClock(p); err != nil {
		p.free()
		return err
	}
	d.profile = p
	return nil
}

// StopProfile implements backend.Profiler.
func (d *device) StopProfile() []backend.KernelTime {
	d.mu.Lock()
	defer d.mu.Unlock()
	p := d.profile
	if p == nil {
		return nil
	}
	d.profile = nil
	if !d.lost {
		p.free()
	}
	var all []backend.KernelTime
	for _, k := range p.kernels {
		all = append(all, *k)
	}
	slices.SortFunc(all, func(a, b backend.KernelTime) int {
		return cmp.Or(cmp.Compare(b.Nanoseconds, a.Nanoseconds), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Variant, b.Variant))
	})
	return all
}

// newClock readies what tells a command's time.
func (d *device) newClock(p *profile) (err error) {
	if d.gpu.timestamps() {
		const bytes = 8 * (timedAtOnce + 1)
		if p.ticks.queries, err = d.gpu.newQueries(); err != nil {
			return err
		}
		if p.ticks.resolved, err = d.gpu.newBuffer(bytes, useTicks); err != nil {
			return err
		}
		if p.ticks.staging, err = d.gpu.newBuffer(bytes, useStaging); err != nil {
			return err
		}
		p.status = newStatus()
		if p.period, err = d.calibrate(p); p.period > 0 || err != nil {
			return err
		}
	}
	p.empty, err = d.emptySubmission()
	return err
}

// free gives the clock back.
func (p *profile) free() {
	if p.ticks.queries != 0 {
		freeQueries(p.ticks.queries)
	}
	for _, h := range []handle{p.ticks.resolved, p.ticks.staging} {
		if h != 0 {
			freeBuffer(h)
		}
	}
	if p.status != nil {
		freeStatus(p.status)
	}
}

// calibrate is the nanoseconds of a tick, which this wgpu does not tell: by our own clock, over a while. 0 is a clock that
// does not run.
func (d *device) calibrate(p *profile) (float64, error) {
	var at [2]time.Time
	var tick [2]uint64
	for i := range at {
		time.Sleep(time.Duration(i) * 100 * time.Millisecond)
		sent := time.Now()
		if err := d.submitAndWait(nil, &p.ticks); err != nil {
			return 0, err
		}
		at[i] = sent.Add(time.Since(sent) / 2)
		ticks, err := d.readTicks(p, 1)
		if err != nil {
			return 0, err
		}
		tick[i] = ticks[0]
	}
	if tick[1] <= tick[0] {
		return 0, nil
	}
	return float64(at[1].Sub(at[0])) / float64(tick[1]-tick[0]), nil
}

// emptySubmission is the nanoseconds that submitting nothing takes, the median of some.
func (d *device) emptySubmission() (int64, error) {
	var all [21]int64
	for i := range all {
		start := time.Now()
		if err := d.submitAndWait(nil, nil); err != nil {
			return 0, err
		}
		all[i] = time.Since(start).Nanoseconds()
	}
	slices.Sort(all[:])
	return all[len(all)/2], nil
}

// submitProfiled is submit, and counts what the commands took. What was submitted before has finished first.
func (d *device) submitProfiled(commands []command) error {
	p := d.profile
	if len(commands) == 0 {
		return d.submit(nil)
	}
	atOnce, timed := 1, d.timeAlone
	if p.period > 0 {
		atOnce, timed = timedAtOnce, d.timeTogether
	}
	if err := d.awaitLocked(d.submitted); err != nil {
		return err
	}
	for first := 0; first < len(commands); first += atOnce {
		end := min(first+atOnce, len(commands))
		if err := timed(p, commands[first:end], p.pending[first:end]); err != nil {
			return err
		}
	}
	p.pending = p.pending[:0]
	return nil
}

// timeTogether submits commands with times between them.
func (d *device) timeTogether(p *profile, commands []command, costs []cost) error {
	if err := d.submitAndWait(commands, &p.ticks); err != nil {
		return err
	}
	ticks, err := d.readTicks(p, len(commands)+1)
	if err != nil {
		return err
	}
	for i, c := range costs {
		p.add(c, int64(p.period*float64(int64(ticks[i+1]-ticks[i]))))
	}
	return nil
}

// timeAlone submits one command, and takes what it takes beyond an empty submission.
func (d *device) timeAlone(p *profile, commands []command, costs []cost) error {
	start := time.Now()
	if err := d.submitAndWait(commands, nil); err != nil {
		return err
	}
	p.add(costs[0], time.Since(start).Nanoseconds()-p.empty)
	return nil
}

func (d *device) submitAndWait(commands []command, ticks *nativeTicks) error {
	if err := d.submitTimed(commands, ticks); err != nil {
		return err
	}
	return d.awaitLocked(d.submitted)
}

// readTicks is the first n times of the last submission.
func (d *device) readTicks(p *profile, n int) ([]uint64, error) {
	d.gpu.mapBuffer(p.ticks.staging, 8*n, p.status)
	for {
		d.gpu.poll()
		if err := d.check(); err != nil {
			return nil, err
		}
		switch atomic.LoadUint32(p.status) {
		case 0:
			continue
		case mapped:
			ticks := make([]uint64, n)
			data := d.gpu.mapped(p.ticks.staging, 8*n)
			for i := range ticks {
				ticks[i] = binary.LittleEndian.Uint64(data[8*i:])
			}
			d.gpu.unmap(p.ticks.staging)
			return ticks, nil
		}
		return nil, errors.New("webgpu: the times of kernels could not be mapped")
	}
}

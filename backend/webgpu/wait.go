//go:build cgo && !nogpu && ((linux && amd64) || (darwin && (amd64 || arm64)) || (windows && amd64))

package webgpu

import (
	"context"
	"runtime"
	"time"
)

// Waiting is polling: a waiting poll of this wgpu gives up after five seconds and reports success, and on Metal it sleeps
// a millisecond a look.
const (
	spin     = 100 * time.Microsecond // looked for without sleeping
	napFirst = 50 * time.Microsecond
	napLast  = 500 * time.Microsecond
)

// pause is the time between two looks.
type pause struct {
	start time.Time
	nap   time.Duration
}

func (p *pause) wait() {
	switch {
	case p.start.IsZero():
		p.start = time.Now()
	case p.nap == 0 && time.Since(p.start) < spin:
		runtime.Gosched()
	default:
		p.nap = min(max(p.nap*5/4, napFirst), napLast)
		nap(p.nap)
	}
}

// await polls until arrived, which is asked with the lock held. While another holds the lock there is nothing to do: who
// talks to the device polls, too.
func (d *device) await(ctx context.Context, arrived func() (bool, error)) error {
	var p pause
	for {
		if d.mu.TryLock() {
			done, err := d.pollFor(arrived)
			d.mu.Unlock()
			if done || err != nil {
				return err
			}
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		p.wait()
	}
}

// pollFor looks, polls, and looks again.
func (d *device) pollFor(arrived func() (bool, error)) (bool, error) {
	if err := d.enter(); err != nil {
		return false, err
	}
	if done, err := arrived(); done || err != nil {
		return done, err
	}
	d.gpu.poll()
	if err := d.check(); err != nil {
		return false, err
	}
	return arrived()
}

// awaitLocked waits, with the lock held, until so many submissions have finished.
func (d *device) awaitLocked(submissions uint64) error {
	var p pause
	for d.gpu.done() < submissions {
		d.gpu.poll()
		if err := d.check(); err != nil {
			return err
		}
		if d.gpu.done() < submissions {
			p.wait()
		}
	}
	return nil
}

// Sync implements backend.Backend.
func (d *device) Sync(ctx context.Context) error {
	goal, err := d.sendAll()
	if err != nil {
		return err
	}
	return d.await(ctx, func() (bool, error) { return d.gpu.done() >= goal, nil })
}

// sendAll submits what was written since the last submission, and returns the number of submissions.
func (d *device) sendAll() (uint64, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	err := d.enter()
	if err == nil && d.unsent > 0 {
		err = d.submit(nil)
	}
	return d.submitted, err
}

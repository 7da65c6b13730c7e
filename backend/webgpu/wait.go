//go:build cgo && !nogpu && ((linux && amd64) || (darwin && (amd64 || arm64)) || (windows && amd64))

package webgpu

import (
	"context"
	"runtime"
	"sync/atomic"
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
		time.Sleep(p.nap)
	}
}

// awaitStatus waits until a mapping's status is set, polling whenever no one else is at the device: who is polls, too.
func (d *device) awaitStatus(ctx context.Context, status *uint32) error {
	var p pause
	for atomic.LoadUint32(status) == 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		if d.mu.TryLock() {
			err := d.enter()
			if err == nil {
				d.gpu.poll()
				err = d.check()
			}
			d.mu.Unlock()
			if err != nil {
				return err
			}
			if atomic.LoadUint32(status) != 0 {
				return nil
			}
		}
		p.wait()
	}
	return nil
}

// awaitLocked waits, with the lock held, until so many submissions have finished.
func (d *device) awaitLocked(ctx context.Context, submissions uint64) error {
	var p pause
	for d.gpu.done() < submissions {
		if err := ctx.Err(); err != nil {
			return err
		}
		d.gpu.poll()
		if err := d.check(); err != nil {
			return err
		}
		if d.gpu.done() >= submissions {
			return nil
		}
		p.wait()
	}
	return nil
}

// Sync implements backend.Backend.
func (d *device) Sync(ctx context.Context) error {
	d.mu.Lock()
	err := d.enter()
	if err == nil && d.unsent > 0 {
		err = d.submit(nil)
	}
	goal := d.submitted
	d.mu.Unlock()
	var p pause
	for err == nil && d.gpu.done() < goal {
		if err = ctx.Err(); err != nil {
			return err
		}
		if d.mu.TryLock() {
			if err = d.enter(); err == nil {
				d.gpu.poll()
				err = d.check()
			}
			d.mu.Unlock()
		}
		p.wait()
	}
	return err
}

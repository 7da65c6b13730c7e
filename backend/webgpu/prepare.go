//go:build cgo && !nogpu && ((linux && amd64) || (darwin && (amd64 || arm64)) || (windows && amd64))

package webgpu

import "github.com/lrun/lrun/backend"

var _ backend.Preparer = (*device)(nil)

// compileAtOnce is how many kernels are compiled ahead at a time. wgpu 0.17 reads the texts of many at once, but makes one
// pipeline at a time, under a lock on all layouts: more would only take turns at it with a step that needs a kernel now.
const compileAtOnce = 3

// Prepare implements backend.Preparer. A step that needs one of the kernels waits for it, or compiles it by itself where its
// turn has not come, and reports what is wrong with it.
func (d *device) Prepare(record func(backend.Ops)) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.enter(); err != nil {
		return err
	}
	s := &d.step
	s.begin()
	s.rehearses = true
	defer func() { s.rehearses = false }()
	record(s)
	s.abandon()
	return s.err
}

// compileAhead has a pipeline compiled, and returns at once. A step that is being recorded goes first: it has the lock.
func (d *device) compileAhead(p *pipeline) {
	if p.ahead {
		return
	}
	p.ahead = true
	d.compiling.Go(func() {
		d.compilers <- struct{}{}
		defer func() { <-d.compilers }()
		d.mu.Lock()
		closed := d.closed
		d.mu.Unlock()
		if !closed {
			p.compile()
		}
	})
}

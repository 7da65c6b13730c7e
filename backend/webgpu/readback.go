//go:build cgo && !nogpu && ((linux && amd64) || (darwin && (amd64 || arm64)) || (windows && amd64))

package webgpu

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/lrun/lrun/backend"
)

// readState is how far a readback has come.
type readState uint8

const (
	empty    readState = iota // nothing to read: never fetched, or the step failed
	recorded                  // the copy is recorded
	pending                   // the copy is submitted and the mapping asked for
	ready                     // the bytes are in host
)

// staging is a buffer that the host can map, and the C memory where the state of its mapping is written.
type staging struct {
	handle handle
	room   int // bytes
	status *uint32
}

// readback is a staging buffer, which grows to what is fetched, and the host's copy. Its fields are the device lock's.
type readback struct {
	dev   *device
	bytes int // the most that may be fetched
	staging
	state readState
	src   backend.Tensor // the shape of what was fetched
	host  []byte
	freed bool
}

// NewReadback implements backend.Backend.
func (d *device) NewReadback(bytes int) (backend.Readback, error) {
	if bytes < 1 || int64(bytes) > d.info.MaxBuffer {
		return nil, fmt.Errorf("readback of %d bytes: want 1 to %d", bytes, d.info.MaxBuffer)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.enter(); err != nil {
		return nil, err
	}
	r := &readback{dev: d, bytes: bytes}
	if err := r.resize((bytes + 3) &^ 3); err != nil {
		return nil, fmt.Errorf("readback: %w", err)
	}
	d.readbacks[r] = struct{}{}
	return r, nil
}

// resize replaces the staging buffer.
func (r *readback) resize(room int) error {
	d := r.dev
	r.drop()
	if d.memoryLimit > 0 && d.memory.Load()+d.overhead.Load()+int64(room) > d.memoryLimit {
		return d.outOfMemory(room)
	}
	h, err := d.gpu.newBuffer(room, useStaging)
	if err == errOutOfMemory {
		err = d.outOfMemory(room)
	}
	if err != nil {
		return err
	}
	r.staging = staging{h, room, newStatus()}
	d.memory.Add(int64(room))
	return nil
}

// drop gives the staging buffer up. While it is being mapped it must not be freed: wgpu 0.17 aborts the process when a
// mapping comes true for a buffer that is gone. So it is set aside until then.
func (r *readback) drop() {
	if r.handle == 0 {
		return
	}
	if r.state == pending {
		r.dev.orphans = append(r.dev.orphans, r.staging)
	} else {
		r.staging.free()
	}
	r.dev.memory.Add(-int64(r.room))
	r.staging = staging{}
}

func (s staging) free() {
	freeBuffer(s.handle)
	freeStatus(s.status)
}

// freeOrphans frees staging buffers that were given up and have been mapped since.
func (d *device) freeOrphans() {
	d.orphans = slices.DeleteFunc(d.orphans, func(s staging) bool {
		done := atomic.LoadUint32(s.status) != 0
		if done {
			s.free()
		}
		return done
	})
}

// Fetch implements backend.Ops. Rows are copied with their padding, which Wait strips.
func (s *step) Fetch(dst backend.Readback, src backend.Tensor) {
	s.receive(dst, src, pieceOf{src.Buf, src.Offset(), 4 * ((src.Rows-1)*src.Stride + src.Cols)})
}

// FetchPage implements backend.Ops.
func (s *step) FetchPage(dst backend.Readback, kv *backend.KV, page uint32) {
	n := kv.PageBytes()
	words := kv.WholePageBytes() / 4
	shape := backend.Tensor{Rows: 1, Cols: words, Stride: backend.Stride(words)}
	if kv.V == nil {
		s.receive(dst, shape, pieceOf{kv.K, int(page) * n, n})
		return
	}
	s.receive(dst, shape, pieceOf{kv.K, int(page) * n, n}, pieceOf{kv.V, int(page) * n, n})
}

// pieceOf is a part of a buffer.
type pieceOf struct {
	buf          backend.Buffer
	offset, size int
}

// receive copies pieces one after another into a readback; shape is how their words are to be read.
func (s *step) receive(dst backend.Readback, shape backend.Tensor, pieces ...pieceOf) {
	if s.err != nil {
		return
	}
	r, ok := dst.(*readback)
	switch {
	case !ok || r.dev != s.dev:
		s.fail("fetch", "%w", errForeign)
		return
	case r.freed:
		s.fail("fetch", "of %s: %w", shape, errReleased)
		return
	}
	span := 0
	for _, p := range pieces {
		b, own := p.buf.(*buffer)
		switch {
		case !own || b.dev != s.dev:
			s.fail("fetch", "%w", errForeign)
		case b.dead.Load():
			s.fail("fetch", "of %s: %w", shape, errReleased)
		case shape.Rows < 1 || shape.Cols < 1 || 4*shape.Rows*shape.Cols > r.bytes || p.offset+p.size > b.room:
			s.fail("fetch", "of %s into %d bytes", shape, r.bytes)
		}
		span += p.size
	}
	if s.err == nil {
		if err := r.claim(s, span); err != nil {
			s.fail("fetch", "of %s: %w", shape, err)
		}
	}
	if s.err != nil {
		return
	}
	at := 0
	for _, p := range pieces {
		b := p.buf.(*buffer)
		s.commands = append(s.commands, copyCommand(b.handle, p.offset, r.handle, at, p.size))
		s.dev.profile.copy(p.size)
		b.used = s.number
		at += p.size
	}
	r.src = shape
	if r.state != recorded {
		r.state = recorded
		s.fetched = append(s.fetched, r)
	}
}

// claim makes the staging buffer ready to receive span bytes.
func (r *readback) claim(s *step, span int) error {
	if r.state == recorded && r.room < span && !s.flush() { // the recorded copy names the buffer about to be replaced
		return s.err
	}
	// A mapping that was never waited for cannot be cancelled: it would stay in wgpu's list and make the next one of the
	// same buffer come true too early.
	if r.room >= span && r.state != pending {
		return nil
	}
	return r.resize(max(span, r.room))
}

// mapNow asks for the memory, once the copy to it is submitted.
func (r *readback) mapNow() {
	r.dev.gpu.mapBuffer(r.handle, r.room, r.status)
	r.state = pending
}

// Wait implements backend.Readback.
func (r *readback) Wait(ctx context.Context) ([]byte, error) {
	if err := r.dev.await(ctx, r.arrived); err != nil {
		return nil, fmt.Errorf("readback: %w", err)
	}
	return r.host, nil
}

// arrived reports whether the bytes are in host, and brings them there once they are mapped.
func (r *readback) arrived() (bool, error) {
	switch {
	case r.freed:
		return false, errReleased
	case r.state == ready:
		return true, nil
	case r.state != pending:
		return false, errors.New("nothing was fetched, or the step failed")
	}
	switch atomic.LoadUint32(r.status) {
	case 0:
		return false, nil
	case mapped:
		r.take()
		return true, r.dev.check()
	}
	r.state = empty
	if err := r.dev.check(); err != nil {
		return false, err
	}
	return false, errors.New("the device's memory could not be mapped")
}

// take copies the rows, without their padding, to the host and gives the mapping back.
func (r *readback) take() {
	t := r.src
	row := 4 * t.Cols
	if n := t.Rows * row; cap(r.host) < n {
		r.host = make([]byte, n)
	} else {
		r.host = r.host[:n]
	}
	from := r.dev.gpu.mapped(r.handle, r.room)
	for i := range t.Rows {
		copy(r.host[i*row:(i+1)*row], from[i*t.Stride*4:])
	}
	r.dev.gpu.unmap(r.handle)
	r.state = ready
}

// Release implements backend.Readback. A second call does nothing.
func (r *readback) Release() {
	r.dev.mu.Lock()
	defer r.dev.mu.Unlock()
	if !r.freed && !r.dev.closed {
		r.free()
	}
}

// free gives everything back, with the lock held.
func (r *readback) free() {
	r.freed = true
	r.drop()
	delete(r.dev.readbacks, r)
}

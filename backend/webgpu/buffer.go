//go:build cgo && !nogpu && ((linux && amd64) || (darwin && (amd64 || arm64)) || (windows && amd64))

package webgpu

import (
	"fmt"
	"sync"
	"sync/atomic"
)

// buffer is a storage buffer on the device. wgpu zeroes it before its first use.
type buffer struct {
	dev    *device
	handle handle
	id     uint32        // never used twice, so that a bind group cannot outlive its buffers unnoticed
	bytes  int           // what was asked for
	room   int           // what was made: bytes rounded up to 256
	used   uint64        // the flush that the last command using this buffer goes with
	count  *atomic.Int64 // where room is counted
	dead   atomic.Bool
}

// Bytes implements backend.Buffer.
func (b *buffer) Bytes() int { return b.bytes }

// Release implements backend.Buffer. The memory itself is freed when the device is next used, or at once if it is idle.
func (b *buffer) Release() {
	if b.dead.Swap(true) {
		return
	}
	b.count.Add(-int64(b.room))
	b.dev.graveyard.add(b)
	if b.dev.mu.TryLock() {
		if !b.dev.closed {
			b.dev.bury()
		}
		b.dev.mu.Unlock()
	}
}

// graveyard holds released buffers until the device is free to drop them: a step being recorded may own the lock.
type graveyard struct {
	mu      sync.Mutex
	buffers []*buffer
}

func (g *graveyard) add(b *buffer) {
	g.mu.Lock()
	g.buffers = append(g.buffers, b)
	g.mu.Unlock()
}

// take empties the graveyard. It allocates nothing when it is empty already.
func (g *graveyard) take() []*buffer {
	g.mu.Lock()
	dead := g.buffers
	g.buffers = nil
	g.mu.Unlock()
	return dead
}

// bury frees released buffers, and the bind groups that name them.
func (d *device) bury() {
	dead := d.graveyard.take()
	if len(dead) == 0 {
		return
	}
	for key, g := range d.groups {
		if g.dead() {
			freeGroup(g.handle)
			delete(d.groups, key)
		}
	}
	for _, b := range dead {
		freeBuffer(b.handle)
		delete(d.live, b)
	}
}

// newBuffer makes a zeroed buffer, with the lock held; count is where its size is counted.
func (d *device) newBuffer(bytes int, count *atomic.Int64) (*buffer, error) {
	room := (bytes + slotBytes - 1) / slotBytes * slotBytes
	if room > d.bindingLimit && bytes <= d.bindingLimit {
		room = (bytes + 3) &^ 3
	}
	if err := d.checkRoom(room); err != nil {
		return nil, err
	}
	h, err := d.gpu.newBuffer(room, useStorage)
	if err == errOutOfMemory {
		err = d.outOfMemory(room)
	}
	if err != nil {
		d.lost = d.lost || err == errLost
		return nil, err
	}
	d.nextID++
	b := &buffer{dev: d, handle: h, id: d.nextID, bytes: bytes, room: room, count: count}
	d.live[b] = struct{}{}
	count.Add(int64(room))
	return b, nil
}

// checkRoom refuses a buffer that the adapter cannot bind or that exceeds the memory limit.
func (d *device) checkRoom(room int) error {
	if room > d.bindingLimit {
		return fmt.Errorf("needs %s in one binding; the adapter allows %s", mib(room), mib(d.bindingLimit))
	}
	if d.memoryLimit > 0 && d.memory.Load()+d.overhead.Load()+int64(room) > d.memoryLimit {
		return d.outOfMemory(room)
	}
	return nil
}

// outOfMemory says how much memory was missing, and what helps.
func (d *device) outOfMemory(room int) error {
	held := int(d.memory.Load() + d.overhead.Load())
	return fmt.Errorf("%w for %s more, with %s in use; use a shorter context, smaller weights, or --backend cpu",
		errOutOfMemory, mib(room), mib(held))
}

// mib is a size for people, in MiB where it is large enough.
func mib(bytes int) string {
	if bytes < 1<<20 {
		return fmt.Sprintf("%.1f KiB", float64(bytes)/(1<<10))
	}
	return fmt.Sprintf("%.1f MiB", float64(bytes)/(1<<20))
}

//go:build cgo && !nogpu && ((linux && amd64) || (darwin && (amd64 || arm64)) || (windows && amd64))

package webgpu

import "unsafe"

// maxFlying bounds the submissions that are not known to have finished; more of them only hold memory.
const maxFlying = 16

// submit sends commands off, after all that was written. None of them: only the writes.
func (d *device) submit(commands []command) error { return d.submitTimed(commands, nil) }

// submitTimed is submit; with ticks, unless nil, the commands' times arrive in their staging buffer.
func (d *device) submitTimed(commands []command, ticks *nativeTicks) error {
	if d.submitted >= maxFlying {
		if err := d.awaitLocked(d.submitted - maxFlying + 1); err != nil {
			return err
		}
	}
	d.gpu.submit(commands, ticks)
	if err := d.check(); err != nil {
		return err
	}
	d.submitted++
	d.unsent = 0
	return nil
}

// write stores bytes in a buffer before whatever is submitted next. size is a multiple of 4.
func (d *device) write(h handle, offset int, data unsafe.Pointer, size int) error {
	if size == 0 {
		return nil
	}
	d.gpu.write(h, offset, data, size)
	d.unsent += size
	return d.check()
}

// writeBatch bounds what is written without a submission. wgpu copies each write and frees the copy when a later
// submission has finished. A batch ends with a piece of up to the same size, one may be gathering while the one before is
// copied: at most 64 MiB of copies are alive.
const writeBatch = 16 << 20

// sendWrites submits what was written once it is a batch, and waits until the batch before it has been copied.
func (d *device) sendWrites() error {
	if d.unsent < writeBatch {
		return nil
	}
	if err := d.awaitLocked(d.sent); err != nil {
		return err
	}
	err := d.submit(nil)
	d.sent = d.submitted
	return err
}

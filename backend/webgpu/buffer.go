//go:build cgo && !nogpu && ((linux && amd64) || (darwin && (amd64 || arm64)) || (windows && amd64))

package webgpu

// buffer is a storage buffer on the device.
type buffer struct {
	dev   *device
	bytes int // what was asked for
	room  int // what was made: bytes rounded up to 256
}

// Bytes implements backend.Buffer.
func (b *buffer) Bytes() int { return b.bytes }

// Release implements backend.Buffer.
func (b *buffer) Release() {}

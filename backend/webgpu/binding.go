//go:build cgo && !nogpu && ((linux && amd64) || (darwin && (amd64 || arm64)) || (windows && amd64))

package webgpu

import "github.com/lrun/lrun/backend"

// binding is a range of a buffer, as a dispatch binds it. The zero binding stands for an operand that is absent: the
// kernel then sees a small buffer of zeros.
type binding struct {
	buf    *buffer
	offset int // bytes, a multiple of 256
	size   int // bytes, a multiple of 4; negative where the operand lies on another backend

	touched int // bytes of it that the kernel reads or writes, for profiles
}

// foreign is the binding of memory that this backend did not make; a dispatch refuses it.
var foreign = binding{size: -1}

// bindTensor binds from the tensor's first row to the end of its buffer. The end is the buffer's, not the tensor's, so
// that the slices of one scratch tensor for 1, 2, 3 … tokens share a bind group.
func bindTensor(t backend.Tensor) binding {
	if t.IsNone() {
		return binding{}
	}
	b := bindBuffer(t.Buf)
	if b.buf != nil {
		b.offset = t.Offset()
		b.size -= b.offset
		b.touched = 4 * ((t.Rows-1)*t.Stride + t.Cols)
	}
	return b
}

// bindKeys binds the keys or the values of a cache, of which the kernel touches those of n tokens.
func bindKeys(b backend.Buffer, kv *backend.KV, n int) binding {
	return bindBuffer(b).touching(n * kv.PageBytes() / kv.Page)
}

// touching says that the kernel reads or writes so many bytes of the binding, or all where it has fewer.
func (b binding) touching(bytes int) binding {
	b.touched = min(bytes, b.size)
	return b
}

// bindBuffer binds a whole buffer.
func bindBuffer(b backend.Buffer) binding {
	if b == nil {
		return binding{}
	}
	own, ok := b.(*buffer)
	if !ok {
		return foreign
	}
	return binding{own, 0, own.room, own.room}
}

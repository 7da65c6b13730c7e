package cpu

import (
	"fmt"
	"math"
	"unsafe"

	"github.com/shirou/gopsutil/v4/mem"

	"github.com/lrun/lrun/backend"
)

// buffer is memory seen as words, floats, halves or bytes, as a shader's binding is.
type buffer struct {
	words []uint32
	size  int
	owner *cpu
}

// small is a size that is not worth asking the system about.
const small = 1 << 20

// newBuffer makes a buffer of a·b·size bytes, or an error where the machine has not as much memory to give: Go ends the
// program when an allocation fails.
func (c *cpu) newBuffer(a, b, size int) (*buffer, error) {
	if a < 1 || b < 1 || a > math.MaxInt/b/size/2 {
		return nil, fmt.Errorf("cpu: cannot hold [%d][%d] elements", a, b)
	}
	bytes := a * b * size
	if bytes > small {
		// Where the system does not say, there is nothing to compare with.
		if free, err := mem.VirtualMemory(); err == nil && uint64(bytes) > free.Available {
			return nil, fmt.Errorf("cpu: out of memory: %.1f GiB are needed and %.1f GiB are free; use a smaller model, a shorter context or a q8 cache",
				float64(bytes)/(1<<30), float64(free.Available)/(1<<30))
		}
	}
	c.memory.Add(int64(bytes))
	return &buffer{words: make([]uint32, (bytes+3)/4), size: bytes, owner: c}, nil
}

func (b *buffer) Bytes() int { return b.size }

// Release drops the memory, once.
func (b *buffer) Release() {
	if b.words != nil {
		b.owner.memory.Add(-int64(b.size))
		b.words = nil
	}
}

// words is the CPU memory behind a buffer.
func words(b backend.Buffer) *buffer { return b.(*buffer) }

func (b *buffer) floats() []float32 {
	return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(b.words))), len(b.words))
}

func (b *buffer) halves() []uint16 {
	return unsafe.Slice((*uint16)(unsafe.Pointer(unsafe.SliceData(b.words))), len(b.words)*2)
}

func (b *buffer) bytes() []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(b.words))), len(b.words)*4)
}

// row is row i of a tensor, padding left out.
func row(t backend.Tensor, i int) []float32 {
	at := (t.First + i) * t.Stride
	return words(t.Buf).floats()[at : at+t.Cols]
}

// padded is row i of a tensor with what fills up its last group, as the rows of a matrix have it.
func padded(t backend.Tensor, i int) []float32 {
	at := (t.First + i) * t.Stride
	return words(t.Buf).floats()[at : at+(t.Cols+backend.Group-1)/backend.Group*backend.Group]
}

// bits is row i of a tensor of u32.
func bits(t backend.Tensor, i int) []uint32 {
	at := (t.First + i) * t.Stride
	return words(t.Buf).words[at : at+t.Cols]
}

// values is the only row of an optional vector, or nil.
func values(t backend.Tensor) []float32 {
	if t.IsNone() {
		return nil
	}
	return row(t, 0)
}

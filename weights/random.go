package weights

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/x448/float16"
)

// randomBlock is how many numbers a random checkpoint has; larger tensors repeat them.
const randomBlock = 1 << 18

// Random is a checkpoint that has every tensor which is asked for with its shape, of small random numbers, the same ones in
// each: to measure with, where weights do not matter. dtype is F32, F16 or BF16.
func Random(dtype DType) (*Checkpoint, error) {
	c := newCheckpoint()
	c.invent = &inventor{dtype: dtype}
	r := rand.New(rand.NewPCG(1, 2))
	for range randomBlock {
		v := float32(r.NormFloat64() * 0.05)
		switch dtype {
		case F32:
			c.invent.data = binary.LittleEndian.AppendUint32(c.invent.data, math.Float32bits(v))
		case F16:
			c.invent.data = binary.LittleEndian.AppendUint16(c.invent.data, float16.Fromfloat32(v).Bits())
		case BF16:
			c.invent.data = binary.LittleEndian.AppendUint16(c.invent.data, uint16(math.Float32bits(v)>>16))
		default:
			return nil, fmt.Errorf("random weights of %s, want F32, F16 or BF16", dtype)
		}
	}
	return c, nil
}

// inventor makes tensors up.
type inventor struct {
	dtype DType
	data  []byte // at least a block of numbers, which all tensors share
}

// Shaped is Tensor for one whose shape is known: a random checkpoint has them all.
func (c *Checkpoint) Shaped(name string, shape ...int) (*Tensor, bool) {
	t, ok := c.Tensor(name)
	if ok || c.invent == nil {
		return t, ok
	}
	n := c.invent.dtype.Size()
	for _, d := range shape {
		n *= d
	}
	if n > len(c.invent.data) {
		c.invent.data = slices.Repeat(c.invent.data, (n+len(c.invent.data)-1)/len(c.invent.data))
	}
	t = &Tensor{Name: name, DType: c.invent.dtype, Shape: shape, Data: c.invent.data[:n:n]}
	c.tensors[name] = t
	c.bytes += int64(n)
	c.sorted()
	return t, true
}

package weights

import (
	"encoding/binary"
	"fmt"
	"iter"
	"math"
	"math/bits"
	"slices"
)

// Tensor is a named array in row-major order, stored as such or packed (see Packed). Tensors of a Checkpoint are shared and must not be changed.
type Tensor struct {
	Name  string
	DType DType
	Shape []int  // outermost first; empty for a scalar; a 0 makes a tensor without elements
	Data  []byte // Elements()·DType.Size() bytes, little-endian, perhaps unaligned; valid until the Checkpoint's Close
	File  string // the file it came from; "" when made by FromFloat32 or FromInt64

	mapped bool      // Data lies in a mapping
	code   code      // of a packed tensor, whose Data is nil; else nil
	parts  []*Tensor // that a packed one is decoded from
	bytes  int       // of its parts that no other has
}

// FromFloat32 makes an F32 tensor from a copy of values. Write refuses it when shape does not hold len(values) elements.
func FromFloat32(name string, shape []int, values []float32) Tensor {
	data := make([]byte, 4*len(values))
	for i, v := range values {
		binary.LittleEndian.PutUint32(data[4*i:], math.Float32bits(v))
	}
	return Tensor{Name: name, DType: F32, Shape: slices.Clone(shape), Data: data}
}

// FromInt64 makes an I64 tensor from a copy of values. Write refuses it when shape does not hold len(values) elements.
func FromInt64(name string, shape []int, values []int64) Tensor {
	data := make([]byte, 8*len(values))
	for i, v := range values {
		binary.LittleEndian.PutUint64(data[8*i:], uint64(v))
	}
	return Tensor{Name: name, DType: I64, Shape: slices.Clone(shape), Data: data}
}

// Elements is the number of elements: the product of Shape, 1 for a scalar.
func (t *Tensor) Elements() int {
	n := 1
	for _, d := range t.Shape {
		n *= d
	}
	return n
}

// Forget has the system take the tensor's bytes out of the process's resident memory where they are mapped from a file; they
// come back when they are read. Who reads a checkpoint once, piece by piece, calls it now and then to stay small.
func (t *Tensor) Forget() {
	if t.mapped {
		forget(t.Data)
	}
	for _, p := range t.parts {
		p.Forget()
	}
}

// String is the tensor in an error or a listing: `lm_head.weight BF16 [32000 4096]`.
func (t *Tensor) String() string { return fmt.Sprintf("%s %s %v", t.Name, t.DType, t.Shape) }

// Chunks yields Data in pieces and the byte offset of each, for copies in bounded steps. Pieces have size bytes, rounded
// down to whole elements but at least one; the last may be shorter. Give a multiple of a row's bytes to get whole rows.
func (t *Tensor) Chunks(size int) iter.Seq2[int, []byte] {
	element := max(t.DType.Size(), 1)
	size = max(size-size%element, element)
	return func(yield func(int, []byte) bool) {
		offset := 0
		for piece := range slices.Chunk(t.Data, size) {
			if !yield(offset, piece) {
				return
			}
			offset += len(piece)
		}
	}
}

// checkSize returns ErrDType, ErrShape or ErrSize when n bytes cannot be a tensor of this dtype and shape.
func checkSize(d DType, shape []int, n int) error {
	need, err := byteSize(d, shape)
	if err != nil {
		return err
	}
	if need != n {
		return fmt.Errorf("%w: %s %s needs %d bytes, there are %d", ErrSize, d, quoteShape(shape), need, n)
	}
	return nil
}

// byteSize is the bytes that elements of a shape take.
func byteSize(d DType, shape []int) (int, error) {
	if d.Size() == 0 {
		return 0, fmt.Errorf("%w %d", ErrDType, uint8(d))
	}
	need := uint64(d.Size())
	for _, dim := range shape {
		if dim < 0 {
			return 0, fmt.Errorf("%w %s: a dimension is negative", ErrShape, quoteShape(shape))
		}
		over, product := bits.Mul64(need, uint64(dim))
		if over != 0 || product > math.MaxInt {
			return 0, fmt.Errorf("%w %s: more bytes than can be addressed", ErrShape, quoteShape(shape))
		}
		need = product
	}
	return int(need), nil
}

// quoteShape prints a shape; a hostile header may hold one of millions of dimensions.
func quoteShape(shape []int) string {
	if len(shape) > 16 {
		return fmt.Sprintf("of %d dimensions", len(shape))
	}
	return fmt.Sprint(shape)
}

package backend

import "fmt"

// DType is how an element is stored on the device.
type DType uint8

// The element types that devices hold.
const (
	F32 DType = iota
	F16
	BF16
	U32
	Q8 // int8 with a scale for each 32: see KV for caches, EncodeQ8 for matrices
	Q4 // of a matrix only: four bits with a scale and a zero for each 32; see EncodeQ4
)

// Quantised reports whether elements share scales.
func (d DType) Quantised() bool { return d == Q8 || d == Q4 }

// Size is the number of bytes an element of a tensor or of a KV cache takes, scales not counted.
func (d DType) Size() int {
	switch d {
	case F16, BF16:
		return 2
	case Q8:
		return 1
	}
	return 4
}

// HeadRows is how many rows a head of a token takes in a KV cache, each of four elements: its quads, and for Q8 the scale
// of each eight of them.
func (d DType) HeadRows(headDim int) int {
	quads := Pad4(headDim) / 4
	if d == Q8 {
		return quads + (quads+7)/8
	}
	return quads
}

// HeadBytes is what a head of a token takes of the keys of a KV cache, and of its values.
func (d DType) HeadBytes(headDim int) int { return 4 * d.Size() * d.HeadRows(headDim) }

// String is the type's name, as safetensors spells it where it knows it.
func (d DType) String() string {
	return [...]string{"F32", "F16", "BF16", "U32", "Q8", "Q4"}[d]
}

// RowAlign is the number of elements that the row stride of a Tensor is a multiple of: 256 bytes, so that every row can
// be the start of a WebGPU binding.
const RowAlign = 64

// Pad8 rounds n up to a multiple of eight, the group in which kernels read a row.
func Pad8(n int) int { return (n + 7) &^ 7 }

// Pad4 rounds n up to a multiple of four: the width of a head in queries and in the KV cache.
func Pad4(n int) int { return (n + 3) &^ 3 }

// Buffer is a piece of one backend's memory. It starts zeroed.
type Buffer interface {
	// Bytes is the size that was asked for.
	Bytes() int
	// Release gives the memory back; a second call does nothing. Work already submitted may still use it.
	Release()
}

// Tensor is a matrix of F32 or U32 elements in a Buffer. The zero Tensor means "none" where an operation allows it.
type Tensor struct {
	Buf    Buffer
	Rows   int
	Cols   int
	Stride int // elements from one row to the next, a multiple of RowAlign
	First  int // the row of Buf that is row 0 of the tensor
}

// IsNone reports whether the tensor is absent.
func (t Tensor) IsNone() bool { return t.Buf == nil }

// Offset is the byte in Buf at which row 0 starts.
func (t Tensor) Offset() int { return t.First * t.Stride * 4 }

// Slice is the tensor of the n rows that start at row first, in the same memory.
func (t Tensor) Slice(first, n int) Tensor {
	t.First += first
	t.Rows = n
	return t
}

// String is the shape, for errors.
func (t Tensor) String() string { return fmt.Sprintf("[%d][%d]", t.Rows, t.Cols) }

// Stride is the row stride of a tensor with cols columns.
func Stride(cols int) int { return (cols + RowAlign - 1) / RowAlign * RowAlign }

// Part is a run of a Matrix's rows in one buffer.
type Part struct {
	Buf   Buffer
	First int // the matrix row that is row 0 of the buffer
	Rows  int
}

// Matrix is a weight [Rows][Cols] in F32, F16, BF16, Q8 or Q4. A row takes RowBytes bytes; its padding is zero. A matrix larger
// than the device can bind is split by rows into several parts.
type Matrix struct {
	DType DType
	Rows  int
	Cols  int
	Parts []Part
}

// RowBytes is the size of a stored row, padding included: a multiple of 16.
func (m *Matrix) RowBytes() int { return m.DType.RowBytes(m.Cols) }

// RowBytes is what a row of cols elements takes in a matrix.
func (d DType) RowBytes(cols int) int { return d.CodeBytes(cols) + d.scaleBytes(cols) }

// CodeBytes is what the elements of a row take, padding included: Pad8 of them, or whole groups where they share scales, which
// follow.
func (d DType) CodeBytes(cols int) int {
	switch d {
	case Q8:
		return groups(cols) * Group
	case Q4:
		return groups(cols) * Group / 2
	}
	return Pad8(cols) * d.Size()
}

// scaleBytes is what the scales of a row take.
func (d DType) scaleBytes(cols int) int {
	switch d {
	case Q8:
		return (2*groups(cols) + 15) &^ 15
	case Q4:
		return (4*groups(cols) + 15) &^ 15
	}
	return 0
}

// String is the type and shape, for errors.
func (m *Matrix) String() string { return fmt.Sprintf("%s[%d][%d]", m.DType, m.Rows, m.Cols) }

// Release gives every part's memory back.
func (m *Matrix) Release() {
	for _, p := range m.Parts {
		p.Buf.Release()
	}
}

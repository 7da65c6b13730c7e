package weights

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/x448/float16"
)

// Float32s converts all elements: widening is exact, F64 and wide integers round to nearest even, BOOL is 0 or 1. It
// allocates 4 bytes an element; ReadFloat32 does it in pieces. After Close it is empty.
func (t *Tensor) Float32s() []float32 {
	dst := make([]float32, t.stored())
	t.ReadFloat32(dst, 0)
	return dst
}

// ReadFloat32 converts elements from, from+1, ... into dst, as Float32s does, and returns how many there were: len(dst),
// or fewer at the tensor's end. It allocates nothing.
func (t *Tensor) ReadFloat32(dst []float32, from int) int {
	stored := t.stored()
	if from < 0 || from >= stored {
		return 0
	}
	dst = dst[:min(len(dst), stored-from)]
	if t.code != nil {
		t.decode(dst, from)
	} else {
		t.convert(dst, from)
	}
	return len(dst)
}

// convert is ReadFloat32 of a plain tensor; dst lies in it.
func (t *Tensor) convert(dst []float32, from int) {
	src := t.Data[from*t.DType.Size():]
	le := binary.LittleEndian
	switch t.DType {
	case F64:
		for i := range dst {
			dst[i] = float32(math.Float64frombits(le.Uint64(src[8*i:])))
		}
	case F32:
		for i := range dst {
			dst[i] = math.Float32frombits(le.Uint32(src[4*i:]))
		}
	case F16:
		for i := range dst {
			dst[i] = float16.Frombits(le.Uint16(src[2*i:])).Float32()
		}
	case BF16:
		for i := range dst {
			dst[i] = math.Float32frombits(uint32(le.Uint16(src[2*i:])) << 16)
		}
	case F8E4M3, F8E5M2, F8E8M0:
		table := t.DType.table()
		for i := range dst {
			dst[i] = table[src[i]]
		}
	case U64:
		for i := range dst {
			dst[i] = float32(le.Uint64(src[8*i:]))
		}
	default:
		for i := range dst {
			dst[i] = float32(t.int64At(src, i))
		}
	}
}

// Int64s converts all elements of an integer or BOOL tensor. It fails for floating point, and for U64 beyond int64. After
// Close it is empty.
func (t *Tensor) Int64s() ([]int64, error) {
	if t.DType.Size() == 0 || t.DType.Float() {
		return nil, fmt.Errorf("%s: tensor %s: %s is not an integer dtype", t.File, quote(t.Name), t.DType)
	}
	dst := make([]int64, t.stored())
	for i := range dst {
		dst[i] = t.int64At(t.Data, i)
		if t.DType == U64 && dst[i] < 0 {
			return nil, fmt.Errorf("%s: tensor %s: element %d, %d, does not fit int64", t.File, quote(t.Name), i, uint64(dst[i]))
		}
	}
	return dst, nil
}

// stored is the number of elements: that of Elements, but 0 after Close.
func (t *Tensor) stored() int {
	if t.code != nil {
		return t.Elements()
	}
	if t.DType.Size() == 0 {
		return 0
	}
	return len(t.Data) / t.DType.Size()
}

// int64At is element i of src, which holds elements of an integer dtype or BOOL; U64 wraps.
func (t *Tensor) int64At(src []byte, i int) int64 {
	le := binary.LittleEndian
	switch t.DType {
	case I64, U64:
		return int64(le.Uint64(src[8*i:]))
	case I32:
		return int64(int32(le.Uint32(src[4*i:])))
	case U32:
		return int64(le.Uint32(src[4*i:]))
	case I16:
		return int64(int16(le.Uint16(src[2*i:])))
	case U16:
		return int64(le.Uint16(src[2*i:]))
	case I8:
		return int64(int8(src[i]))
	case Bool:
		return int64(min(src[i], 1))
	}
	return int64(src[i]) // U8
}

// The values of the 8-bit floats by their bits, of "FP8 Formats for Deep Learning", arXiv 2209.05433, and of the scales of
// the OCP Microscaling Formats specification, version 1.0.
var e4m3, e5m2, e8m0 = fp8Tables()

func fp8Tables() (e4m3, e5m2, e8m0 [256]float32) {
	for i := range e4m3 {
		e8m0[i] = float32(math.Ldexp(1, i-127))
		e5m2[i] = float16.Frombits(uint16(i) << 8).Float32()

		exponent, fraction := i>>3&15, float64(i&7)/8
		value := math.Ldexp(1+fraction, exponent-7)
		switch {
		case exponent == 0:
			value = math.Ldexp(fraction, -6)
		case i&0x7f == 0x7f:
			value = math.NaN()
		}
		if i&0x80 != 0 {
			value = math.Copysign(value, -1)
		}
		e4m3[i] = float32(value)
	}
	e8m0[255] = float32(math.NaN())
	return e4m3, e5m2, e8m0
}

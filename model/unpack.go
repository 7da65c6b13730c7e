package model

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/x448/float16"

	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/weights"
)

// unpackedRows is how many rows of a packed tensor are decoded at a time: formats that store rows interleaved take for many
// little more than for one.
const unpackedRows = 64

// unpacker gives the rows of packed tensors; each goroutine needs its own.
type unpacker map[*weights.Tensor]*unpacked

// unpacked is some rows of a tensor: their numbers, or the codes that they are.
type unpacked struct {
	first  int
	rows   []float32
	codes  []uint8
	scales []float32
	zeros  []float32
}

// row is a row of a packed tensor, until the next call.
func (u unpacker) row(t *weights.Tensor, row int) []float32 {
	cols := t.Shape[1]
	d := u.block(t, row, func(d *unpacked, rows int) {
		d.rows = slices.Grow(d.rows[:0], rows*cols)[:rows*cols]
		t.ReadFloat32(d.rows, d.first*cols)
	})
	return d.rows[(row-d.first)*cols:][:cols]
}

// encodeCodes stores a row of a tensor of 4-bit codes in a Q4 matrix without rounding it again, but for scales that are no f16;
// it reports false where the tensor or its groups are others.
func (u unpacker) encodeCodes(dst []byte, t *weights.Tensor, row int) bool {
	size, ok := t.Groups(0, nil, nil, nil)
	if !ok || size%backend.Group > 0 {
		return false
	}
	cols := t.Shape[1]
	groups := (cols + size - 1) / size
	d := u.block(t, row, func(d *unpacked, rows int) {
		d.codes = slices.Grow(d.codes[:0], rows*cols)[:rows*cols]
		d.scales = slices.Grow(d.scales[:0], rows*groups)[:rows*groups]
		d.zeros = slices.Grow(d.zeros[:0], rows*groups)[:rows*groups]
		t.Groups(d.first, d.codes, d.scales, d.zeros)
	})
	at := row - d.first
	backend.EncodeCodes(dst, d.codes[at*cols:][:cols], d.scales[at*groups:][:groups], d.zeros[at*groups:][:groups], size)
	return true
}

// block is the rows around one of them; read reads so many from the first on where they are not at hand.
func (u unpacker) block(t *weights.Tensor, row int, read func(d *unpacked, rows int)) *unpacked {
	d := u[t]
	if d == nil {
		d = &unpacked{first: -unpackedRows}
		u[t] = d
	}
	if row < d.first || row >= d.first+unpackedRows {
		d.first = row / unpackedRows * unpackedRows
		read(d, min(unpackedRows, t.Shape[0]-d.first))
	}
	return d
}

// encode writes a row as the device has it, rounded to the nearest.
func encode(dst []byte, row []float32, d backend.DType) {
	le := binary.LittleEndian
	for i, v := range row {
		switch d {
		case backend.F16:
			le.PutUint16(dst[2*i:], float16.Fromfloat32(v).Bits())
		case backend.BF16:
			le.PutUint16(dst[2*i:], bfloat16(v))
		default:
			le.PutUint32(dst[4*i:], math.Float32bits(v))
		}
	}
}

// bfloat16 is the upper half of a number, rounded to nearest even.
func bfloat16(v float32) uint16 {
	b := math.Float32bits(v)
	if v != v {
		return uint16(b>>16) | 0x40 // rounding could make it infinite
	}
	return uint16((b + 0x7fff + b>>16&1) >> 16)
}

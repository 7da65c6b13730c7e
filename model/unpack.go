package model

import (
	"encoding/binary"
	"math"

	"github.com/x448/float16"

	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/weights"
)

// unpackedRows is how many rows of a packed tensor are decoded at a time: formats that store rows interleaved take for many
// little more than for one.
const unpackedRows = 64

// unpacker gives the rows of packed tensors; each goroutine needs its own.
type unpacker map[*weights.Tensor]*unpacked

// unpacked is some rows of a tensor.
type unpacked struct {
	rows  []float32
	first int
}

// row is a row of a packed tensor, until the next call.
func (u unpacker) row(t *weights.Tensor, row int) []float32 {
	cols := t.Shape[1]
	d := u[t]
	if d == nil {
		d = &unpacked{rows: make([]float32, min(unpackedRows, t.Shape[0])*cols), first: -unpackedRows}
		u[t] = d
	}
	if row < d.first || row >= d.first+unpackedRows {
		d.first = row / unpackedRows * unpackedRows
		t.ReadFloat32(d.rows, d.first*cols)
	}
	return d.rows[(row-d.first)*cols:][:cols]
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

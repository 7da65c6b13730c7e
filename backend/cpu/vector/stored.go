package vector

import (
	"unsafe"

	"github.com/lrun/lrun/backend"
)

// Columns is how many columns a row of so many takes, with what fills it up.
func Columns(d backend.DType, cols int) int {
	if d.Quantised() {
		return (cols + group - 1) / group * group
	}
	return backend.Pad8(cols)
}

// Widen reads columns of a row as it is stored, of so many, from from on. Where elements share scales, from is the start of a
// group and dst whole groups.
func Widen(dst []float32, d backend.DType, row []byte, cols, from int) {
	codes := d.CodeBytes(cols)
	switch d {
	case backend.F32:
		copy(dst, as[float32](row)[from:])
	case backend.F16:
		WidenF16(dst, as[uint16](row)[from:])
	case backend.BF16:
		WidenBF16(dst, as[uint16](row)[from:])
	case backend.Q8:
		n := len(dst) / group
		widenQ8(dst[:n*group], row[from:][:n*group], as[uint16](row[codes:])[from/group:][:n])
	case backend.Q4:
		n := len(dst) / group
		widenQ4(dst[:n*group], row[from/2:][:n*group/2], as[uint16](row[codes:])[2*from/group:][:2*n])
	}
}

// Dots makes sums the products of x with rows as they are stored, one behind the other, of so many columns; x has Columns of
// them, and what is beyond cols is finite.
func Dots(sums []float32, d backend.DType, rows []byte, cols int, x []float32) {
	pitch, codes := d.RowBytes(cols), d.CodeBytes(cols)
	rows, x = rows[:len(sums)*pitch], x[:Columns(d, cols)]
	fours := len(sums) &^ 3
	most, rest, left := sums[:fours], sums[fours:], rows[fours*pitch:]
	switch d {
	case backend.F32:
		for i := range sums {
			sums[i] = Dot(x, as[float32](rows[i*pitch:]))
		}
	case backend.F16:
		dotsF16(most, rows, pitch, codes, x)
		plainDotsF16(rest, left, pitch, codes, x)
	case backend.BF16:
		dotsBF16(most, rows, pitch, codes, x)
		plainDotsBF16(rest, left, pitch, codes, x)
	case backend.Q8:
		dotsQ8(most, rows, pitch, codes, x)
		plainDotsQ8(rest, left, pitch, codes, x)
	case backend.Q4:
		dotsQ4(most, rows, pitch, codes, x)
		plainDotsQ4(rest, left, pitch, codes, x)
	}
}

// as sees bytes of whole words as elements.
func as[T uint16 | float32](b []byte) []T {
	var element T
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/int(unsafe.Sizeof(element)))
}

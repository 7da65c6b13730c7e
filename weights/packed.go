package weights

import (
	"encoding/binary"
	"fmt"
	"math/bits"
)

// packed is a matrix of codes of 2, 4 or 8 bits, as many as fit in words of 32, the first in the lowest bits.
type packed struct {
	words      *Tensor
	bits       int
	rows, cols int    // words from one row of words to the next, and from one column to the next
	down       bool   // the codes of a word lie below each other, else beside
	order      []int  // where in its word the code at each place is; nil: there
	add        uint32 // to a word, before it is taken apart
}

// code is the one at a row and a column.
func (p *packed) code(row, col int) int {
	shift := 5 - bits.TrailingZeros(uint(p.bits)) // a word has 1<<shift codes
	lane := col
	if p.down {
		lane, row = row, row>>shift
	} else {
		col >>= shift
	}
	lane &= 1<<shift - 1
	if p.order != nil {
		lane = p.order[lane]
	}
	word := binary.LittleEndian.Uint32(p.words.Data[4*(row*p.rows+col*p.cols):]) + p.add
	return int(word >> (lane * p.bits) & (1<<p.bits - 1))
}

// affine is a matrix of integers in groups of columns: an element is scale·(code − zero), with the group's scale and zero.
type affine struct {
	codes packed
	cols  int
	size  int     // of a group, the last may be shorter; 0: index has the group of each column
	index *Tensor // I32
	scale func(row, group int) float32
	zero  func(row, group int) int
}

// group is that of a column.
func (a *affine) group(col int) int {
	if a.size == 0 {
		return int(binary.LittleEndian.Uint32(a.index.Data[4*col:]))
	}
	return col / a.size
}

func (a *affine) decode(dst []float32, row, col int) {
	group, scale, zero := -1, float32(0), 0
	for i := range dst {
		if g := a.group(col + i); g != group {
			group, scale, zero = g, a.scale(row, g), a.zero(row, g)
		}
		dst[i] = scale * float32(a.codes.code(row, col+i)-zero)
	}
}

func (a *affine) String() string {
	switch a.size {
	case 0:
		return fmt.Sprintf("int%d in groups by activation order", a.codes.bits)
	case a.cols:
		return fmt.Sprintf("int%d with a scale a row", a.codes.bits)
	}
	return fmt.Sprintf("int%d in groups of %d", a.codes.bits, a.size)
}

// Groups reads rows of a packed tensor as the 4-bit codes that they are stored in, so that a device can keep them without
// rounding twice: an element is scale·(code − zero), with the scale and the zero of its group. Codes, one a byte, are
// those of the rows from row on, as many as codes holds; scales and zeros are those of each row's groups, of size columns
// but for the last. Slices may be nil, to ask for size alone. It is not ok for other tensors, and for those whose groups
// are not runs of columns (GPTQ's act-order).
func (t *Tensor) Groups(row int, codes []uint8, scales, zeros []float32) (size int, ok bool) {
	a, ok := t.code.(*affine)
	if !ok || a.codes.bits != 4 || a.size == 0 {
		return 0, false
	}
	groups := (a.cols + a.size - 1) / a.size
	tiles(len(codes)/a.cols, a.cols, func(r, c, n int) {
		for i := range n {
			codes[r*a.cols+c+i] = uint8(a.codes.code(row+r, c+i))
		}
	})
	for i := range scales {
		scales[i] = a.scale(row+i/groups, i%groups)
	}
	for i := range zeros {
		zeros[i] = float32(a.zero(row+i/groups, i%groups))
	}
	return a.size, true
}

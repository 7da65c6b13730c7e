package weights

import (
	"encoding/binary"
	"fmt"
	"math/bits"
)

// packed is a matrix of codes of 2, 4 or 8 bits, as many as fit in words of 32, the first in the lowest
// bits.
type packed struct {
	words      *Tensor
	bits       int
	rows, cols int    // words from one row of words to the next, and from one column to the next
	down       bool   // the codes of a word lie below each other, else beside
	order      []int  // where in its word the code at each place is; nil: there
	add        uint32 // to a word that lies down, before it is taken apart
}

// read fills dst with the codes of a row from column col on.
func (p *packed) read(dst []uint8, row, col int) {
	data, mask := p.words.Data, uint32(1)<<p.bits-1
	log := 5 - bits.TrailingZeros(uint(p.bits)) // a word has 1<<log codes
	places := 1<<log - 1
	if p.down {
		place := row & places
		if p.order != nil {
			place = p.order[place]
		}
		for i := range dst {
			at := row>>log*p.rows + (col+i)*p.cols
			dst[i] = uint8((binary.LittleEndian.Uint32(data[4*at:]) + p.add) >> (place * p.bits) & mask)
		}
		return
	}
	word := uint32(0)
	for i := range dst {
		place := (col + i) & places
		if i == 0 || place == 0 {
			word = binary.LittleEndian.Uint32(data[4*(row*p.rows+(col+i)>>log*p.cols):])
		}
		dst[i] = uint8(word >> (place * p.bits) & mask)
	}
}

// code is the one at a row and a column.
func (p *packed) code(row, col int) int {
	var one [1]uint8
	p.read(one[:], row, col)
	return int(one[0])
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

// group is that of a column, and the first column after it that may be in another.
func (a *affine) group(col int) (group, end int) {
	if a.size == 0 {
		return int(binary.LittleEndian.Uint32(a.index.Data[4*col:])), col + 1
	}
	return col / a.size, (col/a.size + 1) * a.size
}

func (a *affine) decode(dst []float32, row, col int) {
	var codes [tile]uint8
	group, end, scale, zero := -1, 0, float32(0), 0
	for len(dst) > 0 {
		n := min(len(dst), tile)
		a.codes.read(codes[:n], row, col)
		for i, code := range codes[:n] {
			if col+i >= end {
				var g int
				if g, end = a.group(col + i); g != group {
					group, scale, zero = g, a.scale(row, g), a.zero(row, g)
				}
			}
			dst[i] = scale * float32(int(code)-zero)
		}
		dst, col = dst[n:], col+n
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
		a.codes.read(codes[r*a.cols+c:][:n], row+r, c)
	})
	for i := range scales {
		scales[i] = a.scale(row+i/groups, i%groups)
	}
	for i := range zeros {
		zeros[i] = float32(a.zero(row+i/groups, i%groups))
	}
	return a.size, true
}

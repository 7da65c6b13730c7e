package backend

import (
	"encoding/binary"
	"math"

	"github.com/x448/float16"
)

// Rows of quantised matrices. Columns go in groups of 32, the last one filled up with zeros. First come the codes of all groups,
// then the scales of all, so that a kernel reads whole 16-byte words of codes. Values are those of the f16 numbers stored, so
// that what a kernel, its twin and Decode make of a row is the same.

// Group is how many columns of a quantised matrix share a scale.
const Group = 32

// groups is how many groups a row has.
func groups(cols int) int { return (cols + Group - 1) / Group }

// EncodeQ8 stores a row of a Q8 matrix in dst, which has RowBytes: an int8 for each column, and an f16 for each group, the value
// that stands for 127.
func EncodeQ8(dst []byte, row []float32) {
	clear(dst)
	scales := dst[Q8.CodeBytes(len(row)):]
	for g := 0; g*Group < len(row); g++ {
		x := row[g*Group : min((g+1)*Group, len(row))]
		most := uint32(0) // of bits without the sign, which are in the order of the numbers
		for _, v := range x {
			most = max(most, math.Float32bits(v)&^(1<<31))
		}
		scale := half(math.Float32frombits(most))
		binary.LittleEndian.PutUint16(scales[2*g:], scale.Bits())
		s := scale.Float32()
		if s == 0 {
			continue
		}
		codes, times := dst[g*Group:][:len(x)], 127/s
		for i, v := range x {
			codes[i] = byte(max(-127, min(127, nearest(v*times))))
		}
	}
}

// nearest rounds to the nearest even whole number below 2²²; what is beyond stays beyond.
func nearest(v float32) int32 {
	const one = 3 << 22 // so large that a bit is 1
	return int32(math.Float32bits(v+one) - 0x4b400000)
}

// EncodeQ4 stores a row of a Q4 matrix in dst, which has RowBytes. A value is scale·(code − zero), a code 0 to 15: see
// EncodeCodes. Scale and zero are first those of the group's least and largest value (and 0), and then fit the codes with the
// least squares of what is off.
func EncodeQ4(dst []byte, row []float32) {
	var codes [Group]uint8
	clear(dst)
	for g := 0; g*Group < len(row); g++ {
		x := row[g*Group : min((g+1)*Group, len(row))]
		scale, zero := spread(x)
		if len(x) < Group {
			zero = float32(math.Round(float64(zero))) // so that what fills the group up is 0
		}
		encode(codes[:len(x)], x, scale, zero)
		if len(x) < Group {
			putGroup(dst, len(row), g, codes[:len(x)], scale, zero)
			continue
		}
		if fitted, moved := fit(codes[:], x); fitted > 0 {
			var again [Group]uint8
			encode(again[:], x, fitted, moved)
			if off(again[:], x, fitted, moved) < off(codes[:], x, scale, zero) {
				codes, scale, zero = again, fitted, moved
			}
		}
		putGroup(dst, len(row), g, codes[:], scale, zero)
	}
}

// EncodeCodes stores a row of a Q4 matrix in dst, which has RowBytes, whose codes, and scales and zeros of groups of size columns
// (a multiple of 32), are at hand: in each 16 bytes of codes, byte i holds column i in its lower half and column 16 + i in its
// upper; then for each group of 32 the scale and the zero, both f16.
func EncodeCodes(dst []byte, codes []uint8, scales, zeros []float32, size int) {
	clear(dst)
	for g := 0; g*Group < len(codes); g++ {
		at := g * Group / size
		putGroup(dst, len(codes), g, codes[g*Group:min((g+1)*Group, len(codes))], scales[at], zeros[at])
	}
}

// putGroup stores group g of a row of cols columns. What fills the last one up is the zero, which is a code then.
func putGroup(dst []byte, cols, g int, codes []uint8, scale, zero float32) {
	var whole [Group]uint8
	for i := copy(whole[:], codes); i < Group; i++ {
		whole[i] = uint8(zero)
	}
	for i := range Group / 2 {
		dst[g*Group/2+i] = whole[i] | whole[i+Group/2]<<4
	}
	params := dst[Q4.CodeBytes(cols)+4*g:]
	binary.LittleEndian.PutUint16(params, half(scale).Bits())
	binary.LittleEndian.PutUint16(params[2:], half(zero).Bits())
}

// half is the nearest f16 that is finite.
func half(v float32) float16.Float16 {
	const most = 65504
	return float16.Fromfloat32(max(-most, min(most, v)))
}

// spread is the scale and the zero with which codes 0 to 15 reach from the least to the largest of x, and have 0 between.
func spread(x []float32) (scale, zero float32) {
	low, high := int32(0), int32(0)
	for _, v := range x {
		b := ordered(int32(math.Float32bits(v)))
		low, high = min(low, b), max(high, b)
	}
	least, most := math.Float32frombits(uint32(ordered(low))), math.Float32frombits(uint32(high))
	return rounded((most-least)/15, -least)
}

// ordered are the bits of a number as a whole number in the same order, and those as bits again: to compare without branches,
// which random weights would mislead.
func ordered(bits int32) int32 { return bits ^ bits>>31&math.MaxInt32 }

// rounded are a scale and zero as they are stored; low is what lies below 0.
func rounded(s, low float32) (scale, zero float32) {
	if scale = half(s).Float32(); scale == 0 {
		return 0, 0
	}
	return scale, half(max(0, min(15, low/scale))).Float32()
}

// encode finds the code next to each value.
func encode(codes []uint8, x []float32, scale, zero float32) {
	if scale == 0 {
		clear(codes)
		return
	}
	inverse := 1 / scale
	codes = codes[:len(x)]
	for i, v := range x {
		codes[i] = uint8(max(0, min(15, nearest(v*inverse+zero))))
	}
}

// fit is the scale and zero that make x of codes best; scale 0 where no line does.
func fit(codes []uint8, x []float32) (scale, zero float32) {
	var sum, squares int
	var v, cv float32
	x = x[:len(codes)]
	for i, code := range codes {
		q := int(code)
		sum, squares, v, cv = sum+q, squares+q*q, v+x[i], cv+float32(q)*x[i]
	}
	n, c, cc := float32(len(codes)), float32(sum), float32(squares)
	det := n*cc - c*c
	if det <= 0 {
		return 0, 0
	}
	return rounded((n*cv-c*v)/det, -(cc*v-c*cv)/det)
}

// off is the sum of squares of what codes, a whole group, are off.
func off(codes []uint8, x []float32, scale, zero float32) float32 {
	var even, odd float32
	x = x[:len(codes)]
	for i := 0; i+1 < len(codes); i += 2 {
		d := scale*(float32(codes[i])-zero) - x[i]
		e := scale*(float32(codes[i+1])-zero) - x[i+1]
		even, odd = even+d*d, odd+e*e
	}
	return even + odd
}

// Decode reads a stored row of a quantised matrix of so many columns: dst has whole groups.
func (d DType) Decode(dst []float32, row []byte, cols int) {
	for g := range groups(cols) {
		d.DecodeGroup(dst[g*Group:(g+1)*Group], row, cols, g)
	}
}

// DecodeGroup is Decode of group g alone: dst has one group.
func (d DType) DecodeGroup(dst []float32, row []byte, cols, g int) {
	params := row[d.CodeBytes(cols):]
	if d == Q8 {
		scale := float16.Frombits(binary.LittleEndian.Uint16(params[2*g:])).Float32() / 127
		for i, code := range row[g*Group : (g+1)*Group] {
			dst[i] = float32(int8(code)) * scale
		}
		return
	}
	scale := float16.Frombits(binary.LittleEndian.Uint16(params[4*g:])).Float32()
	zero := float16.Frombits(binary.LittleEndian.Uint16(params[4*g+2:])).Float32()
	for i, pair := range row[g*Group/2 : (g+1)*Group/2] {
		dst[i], dst[i+Group/2] = scale*(float32(pair&15)-zero), scale*(float32(pair>>4)-zero)
	}
}

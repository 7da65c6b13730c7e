package cpu

import (
	"sync"
	"unsafe"

	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/backend/cpu/vector"
)

// Products go in blocks: so many rows of weights, widened to f32 for so many columns at a time, stay in the second-level
// cache (128 KiB) while so many tokens pass.
const (
	blockRows   = 32   // a multiple of 4, and even for the pairs of GateUp
	blockCols   = 1024 // whole groups
	blockTokens = 96   // a multiple of 3: enough to make widening cheap, few enough to share out
)

// scratch is what one worker widens weights into and sums in, kept from one operation to the next.
type scratch struct {
	weights [blockRows*blockCols + backend.Group]float32 // and what fills up the last group of the last row
	sums    [blockTokens * blockRows]float32
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// withScratch calls f with a worker's scratch.
func withScratch(f func(s *scratch)) {
	s := scratches.Get().(*scratch)
	defer scratches.Put(s)
	f(s)
}

// partOf is the part that holds row r.
func partOf(m *backend.Matrix, r int) *backend.Part {
	i := len(m.Parts) - 1
	for m.Parts[i].First > r {
		i--
	}
	return &m.Parts[i]
}

// widen reads columns of row r, from a multiple of Group on, as f32: n or as many as fill up whole groups, where elements share
// scales.
func widen(dst []float32, m *backend.Matrix, r, from, n int) {
	part, bytes := partOf(m, r), m.RowBytes()
	row := words(part.Buf).bytes()[(r-part.First)*bytes:][:bytes]
	if !m.DType.Quantised() {
		widenFloats(dst[:n], m.DType, row, from)
		return
	}
	groups, first := (n+backend.Group-1)/backend.Group, from/backend.Group
	codes, params := row[:m.DType.CodeBytes(m.Cols)], as[uint16](row[m.DType.CodeBytes(m.Cols):])
	if m.DType == backend.Q8 {
		vector.WidenQ8(dst[:groups*backend.Group], codes[from:], params[first:])
	} else {
		vector.WidenQ4(dst[:groups*backend.Group], codes[from/2:], params[2*first:])
	}
}

// widenFloats reads columns of a stored row of floats, from from on.
func widenFloats(dst []float32, d backend.DType, row []byte, from int) {
	switch d {
	case backend.F32:
		copy(dst, as[float32](row)[from:])
	case backend.BF16:
		vector.WidenBF16(dst, as[uint16](row)[from:])
	default:
		vector.WidenF16(dst, as[uint16](row)[from:])
	}
}

// as sees bytes of a buffer, which are those of whole words, as elements.
func as[T uint16 | float32](b []byte) []T {
	var element T
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/int(unsafe.Sizeof(element)))
}

// dot is the product of row r of a matrix with x, which is Cols or Pad8(Cols) long.
func (s *scratch) dot(m *backend.Matrix, r int, x []float32) float32 {
	sum := float32(0)
	for from := 0; from < len(x); from += blockCols {
		part := x[from:min(from+blockCols, len(x))]
		widen(s.weights[:], m, r, from, len(part))
		sum += vector.Dot(part, s.weights[:])
	}
	return sum
}

// multiply makes sums [tokens in threes][rows in fours] the products of rows of a matrix from first on with rows of x from t on;
// both hold on to their last row where fewer are left.
func (s *scratch) multiply(x backend.Tensor, t, tokens int, m *backend.Matrix, first, rows int) {
	k, tall := backend.Pad8(m.Cols), (rows+3)&^3
	sums := s.sums[:(tokens+2)/3*3*tall]
	clear(sums)
	for from := 0; from < k; from += blockCols {
		n := min(blockCols, k-from)
		for i := range rows {
			widen(s.weights[i*n:], m, first+i, from, n)
		}
		in := func(i int) []float32 { return padded(x, t+min(i, tokens-1))[from : from+n] }
		for i := 0; i < tokens; i += 3 {
			vector.Tile(sums[i*tall:(i+3)*tall], s.weights[:tall*n], in(i), in(i+1), in(i+2))
		}
	}
}

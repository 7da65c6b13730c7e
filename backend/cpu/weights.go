package cpu

import (
	"sync"

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
	weights [blockRows * blockCols]float32
	sums    [blockTokens * blockRows]float32
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// withScratch calls f with a worker's scratch.
func withScratch(f func(s *scratch)) {
	s := scratches.Get().(*scratch)
	defer scratches.Put(s)
	f(s)
}

// rowsOf are the bytes of rows of a matrix, of at most so many from first on: those that one part holds.
func rowsOf(m *backend.Matrix, first, most int) (rows []byte, n int) {
	i := len(m.Parts) - 1
	for m.Parts[i].First > first {
		i--
	}
	part, bytes := &m.Parts[i], m.RowBytes()
	at := first - part.First
	n = min(most, part.Rows-at)
	return words(part.Buf).bytes()[at*bytes:][:n*bytes], n
}

// dots makes sums the products of x with rows of a matrix from first on.
func dots(sums []float32, m *backend.Matrix, first int, x []float32) {
	for len(sums) > 0 {
		rows, n := rowsOf(m, first, len(sums))
		vector.Dots(sums[:n], m.DType, rows, m.Cols, x)
		sums, first = sums[n:], first+n
	}
}

// multiply makes sums [tokens in threes][rows in fours] the products of rows of a matrix from first on with rows of x from t on;
// where fewer are left, the last row of x counts again, and what was widened before.
func (s *scratch) multiply(x backend.Tensor, t, tokens int, m *backend.Matrix, first, rows int) {
	k, tall := vector.Columns(m.DType, m.Cols), (rows+3)&^3
	sums := s.sums[:(tokens+2)/3*3*tall]
	clear(sums)
	for from := 0; from < k; from += blockCols {
		n := min(blockCols, k-from)
		for i := range rows {
			row, _ := rowsOf(m, first+i, 1)
			vector.Widen(s.weights[i*n:][:n], m.DType, row, m.Cols, from)
		}
		in := func(i int) []float32 { return padded(x, t+min(i, tokens-1))[from : from+n] }
		for i := 0; i < tokens; i += 3 {
			vector.Tile(sums[i*tall:(i+3)*tall], s.weights[:tall*n], in(i), in(i+1), in(i+2))
		}
	}
}

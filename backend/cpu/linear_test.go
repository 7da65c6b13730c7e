package cpu

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"github.com/lrun/lrun/backend"
)

// Ensure that a product of many tokens, in more blocks than one each way, is that of each token alone, and the same to the bit
// on any number of cores.
func TestProductsInBlocks(t *testing.T) {
	const tokens, rows, cols = blockTokens + 5, blockRows + 7, blockCols + 40
	b := fixture{t, Open()}
	x := b.tensor(tokens, normal(tokens*cols)...)
	for _, d := range []backend.DType{backend.F32, backend.Q8, backend.Q4} {
		w, err := b.b.NewMatrix(d, rows, cols, 1)
		if err != nil {
			t.Fatal(err)
		}
		for r := range rows {
			if err := b.b.WriteRows(w, r, encoded(d, normal(cols))); err != nil {
				t.Fatal(err)
			}
		}
		empty := func(n int) backend.Tensor { return b.tensor(n, make([]float32, n*rows)...) }
		whole, again, alone := empty(tokens), empty(tokens), empty(1)
		b.do(func(o backend.Ops) { o.Linear(whole, x, w, backend.Linear{}) })
		cores := runtime.GOMAXPROCS(1)
		b.do(func(o backend.Ops) { o.Linear(again, x, w, backend.Linear{}) })
		runtime.GOMAXPROCS(cores)
		for i := range tokens {
			if !slices.Equal(row(whole, i), row(again, i)) {
				t.Fatalf("%s: token %d on one core is not what it is on %d", d, i, cores)
			}
			b.do(func(o backend.Ops) { o.Linear(alone, x.Slice(i, 1), w, backend.Linear{}) })
			for r, want := range row(alone, 0) {
				if got := row(whole, i)[r]; math.Abs(float64(got-want)) > 1e-5*math.Sqrt(cols) {
					t.Fatalf("%s: row %d of token %d is %g, alone %g", d, r, i, got, want)
				}
			}
		}
	}
}

func normal(n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(rand.NormFloat64())
	}
	return x
}

// encoded is a row as it is stored.
func encoded(d backend.DType, x []float32) []byte {
	data := make([]byte, d.RowBytes(len(x)))
	switch d {
	case backend.Q8:
		backend.EncodeQ8(data, x)
	case backend.Q4:
		backend.EncodeQ4(data, x)
	default:
		for i, v := range x {
			binary.LittleEndian.PutUint32(data[4*i:], math.Float32bits(v))
		}
	}
	return data
}

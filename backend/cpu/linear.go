package cpu

import (
	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/backend/cpu/vector"
)

// Linear is a matrix product with its epilogue; see backend.Linear.
func (o *ops) Linear(dst, x backend.Tensor, w *backend.Matrix, a backend.Linear) {
	if !o.ready(a.Check(dst, x, w)) {
		return
	}
	if a.Scale == 0 {
		a.Scale = 1
	}
	x = o.normed(x, a.Norm)
	bias := values(a.Bias)
	multiply := product
	if a.Blocks > 1 {
		multiply = blockProduct
	}
	multiply(x, w, func(t, first int, sums []float32) {
		finish(row(dst, t)[first:first+len(sums)], sums, t, first, bias, a)
	})
}

// finish is the epilogue of Linear for some of token t's sums, from row first of the weights on.
func finish(y, sums []float32, t, first int, bias []float32, a backend.Linear) {
	if bias != nil {
		add(sums, bias[first:])
	}
	if a.Act != backend.Identity {
		for i, v := range sums {
			sums[i] = activate(a.Act, v)
		}
	}
	if a.Scale != 1 || a.SoftCap > 0 {
		for i, v := range sums {
			sums[i] = softCap(v*a.Scale, a.SoftCap)
		}
	}
	if !a.Gate.IsNone() {
		gate := row(a.Gate, t)[a.Gate.Cols-1]
		for i := range sums {
			sums[i] *= gate
		}
	}
	if a.Add {
		add(y, sums)
	} else {
		copy(y, sums)
	}
}

// add is y += x; x is at least as long.
func add(y, x []float32) {
	x = x[:len(y)]
	for i := range y {
		y[i] += x[i]
	}
}

// stored takes the products of row t of x with rows of the weights, from first on.
type stored func(t, first int, sums []float32)

// product calls store with Σ_k x[t][k]·w[r][k] for every row t of x and r of w. Blocks of both lie where they do for any
// number of cores.
func product(x backend.Tensor, w *backend.Matrix, store stored) {
	high, wide := (w.Rows+blockRows-1)/blockRows, (x.Rows+blockTokens-1)/blockTokens
	work := backend.Pad8(w.Cols) * blockRows * min(x.Rows, blockTokens)
	parallel(high*wide, max(1, 1<<16/work), func(from, to int) {
		withScratch(func(s *scratch) {
			for i := from; i < to; i++ {
				first, t := i/wide*blockRows, i%wide*blockTokens
				s.block(x, t, min(blockTokens, x.Rows-t), w, first, min(blockRows, w.Rows-first), store)
			}
		})
	})
}

// block is product for some rows of x and of w.
func (s *scratch) block(x backend.Tensor, t, tokens int, w *backend.Matrix, first, rows int, store stored) {
	if tokens == 1 {
		dots(s.sums[:rows], w, first, padded(x, t))
		store(t, first, s.sums[:rows])
		return
	}
	s.multiply(x, t, tokens, w, first, rows)
	for i := range tokens {
		store(t+i, first, s.sums[i*((rows+3)&^3):][:rows])
	}
}

// blockProduct is product where w are the blocks of a block-diagonal matrix, one below the other.
func blockProduct(x backend.Tensor, w *backend.Matrix, store stored) {
	blocks := x.Cols / w.Cols
	rows := w.Rows / blocks
	parallel(x.Rows*blocks, max(1, 1<<16/(w.Cols*rows)), func(from, to int) {
		in, sums := make([]float32, vector.Columns(w.DType, w.Cols)), make([]float32, rows)
		for i := from; i < to; i++ {
			t, b := i/blocks, i%blocks
			copy(in, row(x, t)[b*w.Cols:(b+1)*w.Cols])
			dots(sums, w, b*rows, in)
			store(t, b*rows, sums)
		}
	})
}

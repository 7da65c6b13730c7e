package cpu

import "github.com/lrun/lrun/backend"

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
	multiply(x, w, func(t, r int, sum float32) {
		if bias != nil {
			sum += bias[r]
		}
		y := softCap(activate(a.Act, sum)*a.Scale, a.SoftCap)
		if !a.Gate.IsNone() {
			y *= row(a.Gate, t)[a.Gate.Cols-1]
		}
		if a.Add {
			y += row(dst, t)[r]
		}
		row(dst, t)[r] = y
	})
}

// product calls store with Σ_k x[t][k]·w[r][k] for every row t of x and r of w.
func product(x backend.Tensor, w *backend.Matrix, store func(t, r int, sum float32)) {
	grain := max(1, 1<<15/(backend.Pad8(w.Cols)*max(1, x.Rows)))
	parallel(w.Rows, grain, func(from, to int) { productRows(x, w, from, to, store) })
}

// blockProduct is product where w are the blocks of a block-diagonal matrix, one below the other.
func blockProduct(x backend.Tensor, w *backend.Matrix, store func(t, r int, sum float32)) {
	rows := w.Rows / (x.Cols / w.Cols)
	parallel(w.Rows, max(1, 1<<15/(w.Cols*max(1, x.Rows))), func(from, to int) {
		withScratch(w, func(scratch []float32) {
			for r := from; r < to; r++ {
				weights := weightRow(w, r, scratch)[:w.Cols]
				for t := range x.Rows {
					store(t, r, dot(weights, row(x, t)[r/rows*w.Cols:]))
				}
			}
		})
	})
}

// productRows is product for rows from to to of w.
func productRows(x backend.Tensor, w *backend.Matrix, from, to int, store func(t, r int, sum float32)) {
	if x.Rows == 1 {
		in := padded(x, 0)
		for r := from; r < to; r++ {
			store(0, r, dotRow(w, r, in))
		}
		return
	}
	withScratch(w, func(scratch []float32) {
		for r := from; r < to; r++ {
			productRow(x, weightRow(w, r, scratch), r, store)
		}
	})
}

// productRow multiplies one row of weights with every row of x.
func productRow(x backend.Tensor, w []float32, r int, store func(t, r int, sum float32)) {
	t := 0
	for ; t+3 < x.Rows; t += 4 {
		s0, s1, s2, s3 := dot4(w, padded(x, t), padded(x, t+1), padded(x, t+2), padded(x, t+3))
		store(t, r, s0)
		store(t+1, r, s1)
		store(t+2, r, s2)
		store(t+3, r, s3)
	}
	for ; t < x.Rows; t++ {
		store(t, r, dot(w, padded(x, t)))
	}
}

package cpu

import "github.com/lrun/lrun/backend"

// Residual adds a sub-layer's result and prepares the next one's input; see backend.Residual.
func (o *ops) Residual(x, y backend.Tensor, a backend.Residual) {
	if !o.ready(a.Check(x, y)) {
		return
	}
	parallel(x.Rows, 8, func(from, to int) {
		for t := from; t < to; t++ {
			xs, ys := row(x, t), row(y, t)
			addScaled(xs, ys, a.Scale, a.Post)
			if !a.Dst.IsNone() {
				normalise(row(a.Dst, t), xs, *a.Pre, values(a.Pre.Weight), values(a.Pre.Bias))
			}
		}
	})
}

// addScaled is x += scale·post(y).
func addScaled(x, y []float32, scale float32, post *backend.Norm) {
	if post == nil {
		for i, v := range y {
			x[i] += scale * v
		}
		return
	}
	mean, factor := statistics(y, *post)
	weight, bias := values(post.Weight), values(post.Bias)
	for i, v := range y {
		x[i] += scale * affine((v-mean)*factor, i, weight, bias)
	}
}

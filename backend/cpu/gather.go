package cpu

import "github.com/lrun/lrun/backend"

// Gather picks rows out; see backend.Ops.
func (o *ops) Gather(dst, x, rows backend.Tensor) {
	if !o.ready(backend.CheckGather(dst, x, rows)) {
		return
	}
	for t, at := range bits(rows, 0) {
		if int(at) < x.Rows {
			copy(row(dst, t), row(x, int(at)))
		} else {
			clear(row(dst, t))
		}
	}
}

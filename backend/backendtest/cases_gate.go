package backendtest

import (
	"fmt"

	"github.com/lrun/lrun/backend"
)

// gateCases are those of what is done to rows element by element.
func gateCases() []Case {
	all := []Case{join(66000, 3, 2), gather(66000, 5), gate(66000, 5, backend.SiLU)}
	for _, tokens := range []int{1, 3, 70} {
		all = append(all, join(tokens, 64, 64), join(tokens, 33, 100), join(tokens, 1, 257),
			gather(tokens, 1), gather(tokens, 64), gather(tokens, 100), gate(tokens, 1, backend.Identity))
		for _, act := range []backend.Activation{backend.Identity, backend.SiLU, backend.GELU} {
			all = append(all, gate(tokens, 9, act), gate(tokens, 64, act), gate(tokens, 333, act))
		}
	}
	return all
}

func join(tokens, a, b int) Case {
	return Case{"join", fmt.Sprintf("[%d][%d] and [%d]", tokens, a, b), 0, false, func(r *rig) {
		x, y, dst := r.normal(tokens, a, 1), r.normal(tokens, b, 1), r.empty(tokens, a+b)
		r.do(func(o backend.Ops) { o.Join(dst, x, y) })
		r.show("y", dst)
	}}
}

// gather picks rows out of nine, and two that are not there.
func gather(tokens, n int) Case {
	return Case{"gather", fmt.Sprintf("[%d][%d]", tokens, n), 0, false, func(r *rig) {
		picks := make([]uint32, tokens)
		for i := range picks {
			picks[i] = uint32(r.rand.IntN(11))
		}
		x, rows, dst := r.normal(9, n, 1), r.words(1, tokens, picks), r.normal(tokens, n, 1)
		r.do(func(o backend.Ops) { o.Gather(dst, x, rows) })
		r.show("y", dst)
	}}
}

func gate(tokens, n int, act backend.Activation) Case {
	return Case{"gate", fmt.Sprintf("[%d][%d] act %d", tokens, n, act), single, false, func(r *rig) {
		x, dst := r.normal(tokens, 2*n, 3), r.empty(tokens, n)
		r.do(func(o backend.Ops) { o.Gate(dst, x, act) })
		r.show("y", dst)
	}}
}

package backendtest

import (
	"fmt"
	"math"

	"github.com/lrun/lrun/backend"
)

// stateSpaceCases are scans and convolutions of odd shapes, in one piece and in two.
func stateSpaceCases() []Case {
	var all []Case
	for i, poles := range []int{4, 12, 16, 32, 64, 128} {
		for j, tokens := range []int{1, 15, 16, 17, 130} {
			all = append(all, diagonalScan(tokens, 1+(i*7+j*13)%50, poles, (i+j)%2 == 0))
		}
	}
	for i, past := range []int{0, 1, 8, 77} {
		for j, tokens := range []int{1, 7, 64, 65, 130} {
			all = append(all, longConv(tokens, past, 1+(i*11+j*17)%70, []int{1, 9, 64, 300}[(i+j)%4], (i+j)%2 == 0))
		}
	}
	return all
}

// poles are some that fade, within the unit circle.
func (r *rig) poles(channels, n int) backend.Tensor {
	r.t.Helper()
	v := make([]float32, 0, channels*2*n)
	for range channels {
		re, im := make([]float32, n), make([]float32, n)
		for i := range n {
			size, angle := 1-r.rand.Float64()/4, 2*math.Pi*r.rand.Float64()
			re[i], im[i] = float32(size*math.Cos(angle)), float32(size*math.Sin(angle))
		}
		v = append(append(v, re...), im...)
	}
	return r.floats(channels, 2*n, v)
}

func diagonalScan(tokens, channels, poles int, through bool) Case {
	name := fmt.Sprintf("%d tokens of %d channels with %d poles through %t", tokens, channels, poles, through)
	return Case{"diagonal_scan", name, single, false, func(r *rig) {
		a := backend.DiagonalScan{A: r.poles(channels, poles), C: r.normal(channels, 2*poles, 1), From: r.normal(channels, 2*poles, 1)}
		if through {
			a.D, a.Act = r.normal(1, channels, 1), backend.SiLU
		}
		a.To = r.normal(channels, 2*poles, 1)
		u, dst := r.normal(tokens, channels, 1), r.empty(tokens, channels)
		r.do(func(o backend.Ops) { o.DiagonalScan(dst, u, a) })
		r.show("y", dst)
		r.show("state", a.To)
	}}
}

func longConv(tokens, past, channels, taps int, through bool) Case {
	name := fmt.Sprintf("%d tokens after %d of %d channels, %d taps through %t", tokens, past, channels, taps, through)
	return Case{"long_conv", name, single, false, func(r *rig) {
		a := backend.LongConv{Kernel: r.normal(taps, channels, 1)}
		if past > 0 {
			a.Past = r.normal(past, channels, 1)
		}
		if through {
			a.D, a.Act = r.normal(1, channels, 1), backend.SiLU
		}
		u, dst := r.normal(tokens, channels, 1), r.empty(tokens, channels)
		r.do(func(o backend.Ops) { o.LongConv(dst, u, a) })
		r.show("y", dst)
	}}
}

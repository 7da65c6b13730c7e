package backendtest

import (
	"fmt"

	"github.com/lrun/lrun/backend"
)

func embedCases() []Case {
	var all []Case
	for _, d := range formats {
		for _, tokens := range []int{1, 3, 70} {
			all = append(all, embed(d, tokens, 50, 33, false), embed(d, tokens, 50, 96, true))
		}
	}
	return append(all, embed(backend.F16, 50, 400, 64, true).inParts(), embed(backend.F32, 50, 333, 33, false).inParts())
}

// embed looks up ids of which the last is outside the table.
func embed(d backend.DType, tokens, vocab, dim int, positions bool) Case {
	name := fmt.Sprintf("%s %d tokens of [%d][%d] positions %t", d, tokens, vocab, dim, positions)
	return Case{"embed", name, single, false, func(r *rig) {
		ids := r.below(tokens, vocab)
		if tokens > 1 {
			ids[0], ids[tokens-1] = uint32(vocab-1), uint32(vocab)
		}
		a := backend.Embed{Table: r.matrix(d, vocab, dim, 1, 1), IDs: r.words(1, tokens, ids), Scale: 1.5}
		if positions {
			a.Positions, a.Pos = r.matrix(d, 20, dim, 1, 1), r.words(1, tokens, r.below(tokens, 20))
		}
		dst := r.normal(tokens, dim, 1)
		r.do(func(o backend.Ops) { o.Embed(dst, a) })
		r.show("y", dst)
	}}
}

func normCases() []Case {
	var all []Case
	for _, rms := range []bool{true, false} {
		for _, s := range [][2]int{{1, 1}, {1, 64}, {2, 63}, {3, 1025}, {70, 96}, {1, 8192}, {1, 4099}} {
			all = append(all, norm(rms, s[0], s[1], false, false), norm(rms, s[0], s[1], true, !rms))
			for post := range 3 {
				for pre := range 3 {
					if s[1] != 64 && s[1] != 8192 {
						all = append(all, residual(rms, s[0], s[1], post, pre))
					}
				}
			}
		}
	}
	return append(append(all, norm(true, 66000, 4, true, false)), gateCases()...)
}

// newNorm is a norm with or without parameters, of values around 1 and 0.
func (r *rig) newNorm(rms bool, n int, weight, bias bool) backend.Norm {
	a := backend.Norm{RMS: rms, Eps: 1e-5}
	if weight {
		a.Weight = r.normal(1, n, 1)
	}
	if bias {
		a.Bias = r.normal(1, n, 1)
	}
	return a
}

func norm(rms bool, tokens, n int, weight, bias bool) Case {
	name := fmt.Sprintf("[%d][%d] rms %t weight %t bias %t", tokens, n, rms, weight, bias)
	return Case{"norm", name, single, false, func(r *rig) {
		x, dst, a := r.normal(tokens, n, 30), r.empty(tokens, n), r.newNorm(rms, n, weight, bias)
		r.do(func(o backend.Ops) { o.Norm(dst, x, a) })
		r.show("y", dst)
	}}
}

// residual has no norm, one without parameters or one with, before and after the sum.
func residual(rms bool, tokens, n, post, pre int) Case {
	name := fmt.Sprintf("[%d][%d] rms %t post %d pre %d", tokens, n, rms, post, pre)
	return Case{"residual", name, single, false, func(r *rig) {
		x, y, a := r.normal(tokens, n, 5), r.normal(tokens, n, 2), backend.Residual{Scale: 0.7}
		if post > 0 {
			p := r.newNorm(rms, n, post > 1, post > 1)
			a.Post = &p
		}
		if pre > 0 {
			p := r.newNorm(!rms, n, pre > 1, pre > 1)
			a.Dst, a.Pre = r.empty(tokens, n), &p
		}
		r.do(func(o backend.Ops) { o.Residual(x, y, a) })
		r.show("x", x)
		if pre > 0 {
			r.show("y", a.Dst)
		}
	}}
}

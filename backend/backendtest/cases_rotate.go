package backendtest

import (
	"fmt"

	"github.com/lrun/lrun/backend"
)

// rotateCases turn keys in place and to other slots, in part and in pairs of both kinds.
func rotateCases() []Case {
	var all []Case
	for _, d := range cacheTypes {
		for i, dim := range headDims {
			all = append(all, rotation(d, 1+7*i, 1+i%3, dim, backend.Rotate{Rotary: dim}, i%2 == 0))
		}
		for _, inPlace := range []bool{false, true} {
			all = append(all, rotation(d, 40, 2, 20, backend.Rotate{Rotary: 8, Interleaved: true}, inPlace),
				rotation(d, 3, 2, 66, backend.Rotate{Rotary: 32}, inPlace), rotation(d, 5, 2, 16, backend.Rotate{}, inPlace))
		}
	}
	return all
}

// rotation turns the keys of n scattered slots of a cache of 9 pages.
func rotation(d backend.DType, n, kvHeads, dim int, a backend.Rotate, inPlace bool) Case {
	name := fmt.Sprintf("%s %d slots, %d heads of %d rotary %d interleaved %t in place %t", d, n, kvHeads, dim, a.Rotary, a.Interleaved, inPlace)
	return Case{"rotate", name, ofCache(d), false, func(r *rig) {
		kv := r.cache(d, 9, 16, kvHeads, dim, nil)
		slots := make([]uint32, 2*n)
		for i, s := range r.rand.Perm(9 * 16)[:2*n] {
			slots[i] = uint32(s)
		}
		a.From = r.words(1, n, slots[:n])
		a.To = a.From
		if !inPlace {
			a.To = r.words(1, n, slots[n:])
		}
		if a.Rotary > 0 {
			a.Rope = r.normal(n, a.Rotary, 1)
		}
		r.do(func(o backend.Ops) { o.Rotate(kv, a) })
		r.showCache("keys", kv.K, kv)
		r.showCache("values", kv.V, kv)
	}}
}

package cpu

import (
	"slices"

	"github.com/lrun/lrun/backend"
)

// Represent makes the representative keys of blocks; see backend.Represent.
func (o *ops) Represent(reps, kv *backend.KV, mass backend.Tensor, a backend.Represent) {
	if !o.ready(a.Check(reps, kv, mass)) {
		return
	}
	slots, pages, firsts := bits(a.Blocks, 0), bits(a.Blocks, 1), bits(a.Blocks, 2)
	parallel(len(slots)*reps.KVHeads, 1, func(from, to int) {
		dp := backend.Pad4(kv.HeadDim)
		mean, key := make([]float32, dp), make([]float32, dp)
		for i := from; i < to; i++ {
			b, h := i/reps.KVHeads, i%reps.KVHeads
			clear(mean)
			best := heaviest(row(mass, h), int(firsts[b]), kv.Page, a.TopK)
			for _, at := range best {
				loadKey(key, kv, int(pages[b])*kv.Page+at, h/(reps.KVHeads/kv.KVHeads))
				for c, x := range key {
					mean[c] += x
				}
			}
			for c := range mean {
				mean[c] /= float32(len(best))
			}
			storeKey(reps, int(slots[b]), h, mean[:kv.HeadDim])
		}
	})
}

// heaviest are the k tokens of a block of n with the largest mass, the largest first; first is the position of its first.
func heaviest(mass []float32, first, n, k int) []int {
	tokens := make([]int, n)
	for i := range tokens {
		tokens[i] = i
	}
	slices.SortStableFunc(tokens, func(a, b int) int {
		x, y := mass[(first+a)%len(mass)], mass[(first+b)%len(mass)]
		switch {
		case x > y:
			return -1
		case x < y:
			return 1
		}
		return 0
	})
	return tokens[:min(k, n)]
}

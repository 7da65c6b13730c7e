package cpu

import (
	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/backend/cpu/vector"
)

// Rotate turns cached keys anew; see backend.Rotate.
func (o *ops) Rotate(kv *backend.KV, a backend.Rotate) {
	if !o.ready(a.Check(kv)) {
		return
	}
	parallel(a.To.Cols, 16, func(first, last int) {
		key := make([]float32, backend.Pad4(kv.HeadDim))
		for i := first; i < last; i++ {
			from, to := int(bits(a.From, 0)[i]), int(bits(a.To, 0)[i])
			for h := range kv.KVHeads {
				loadKey(key, kv, from, h)
				if a.Rotary > 0 {
					rotate(key[:a.Rotary], row(a.Rope, i), a.Interleaved)
				}
				storeKey(kv, to, h, key[:kv.HeadDim])
				if from != to && kv.V != nil {
					copyValue(kv, from, to, h)
				}
			}
		}
	})
}

// loadKey reads a key of head h from its slot.
func loadKey(dst []float32, kv *backend.KV, slot, h int) {
	at := keyAt(kv, slot, h)
	if kv.DType == backend.Q8 {
		loadQ8(dst, q8Keys(kv, at), kv.Page)
		return
	}
	at *= 4
	if kv.DType == backend.F32 {
		keys := words(kv.K).floats()
		for i := 0; i < len(dst); i, at = i+4, at+kv.Page*4 {
			copy(dst[i:i+4], keys[at:at+4])
		}
		return
	}
	keys := words(kv.K).halves()
	for i := 0; i < len(dst); i, at = i+4, at+kv.Page*4 {
		vector.WidenF16(dst[i:i+4], keys[at:at+4])
	}
}

// copyKey copies a key of head h from one slot to another.
func copyKey(kv *backend.KV, from, to, h int) {
	row := kv.DType.Size() // a row is as many words as an element has bytes
	source, target := words(kv.K).words[keyAt(kv, from, h)*row:], words(kv.K).words[keyAt(kv, to, h)*row:]
	for r := range kv.DType.HeadRows(kv.HeadDim) {
		at := r * kv.Page * row
		copy(target[at:at+row], source[at:])
	}
}

// copyValue copies a value of head h from one slot to another.
func copyValue(kv *backend.KV, from, to, h int) {
	row := kv.DType.Size()
	n := kv.DType.HeadRows(kv.HeadDim) * row
	target := words(kv.V).words[valueAt(kv, to, h)*row:]
	copy(target[:n], words(kv.V).words[valueAt(kv, from, h)*row:])
}

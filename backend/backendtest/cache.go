package backendtest

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/x448/float16"

	"github.com/lrun/lrun/backend"
)

// cache is a KV cache of random keys and values, and where live is given of NaN in slots that are not in it; the padding
// of heads is zero.
func (r *rig) cache(d backend.DType, pages, page, kvHeads, headDim int, live map[int]bool) *backend.KV {
	r.t.Helper()
	kv := r.emptyCache(d, pages, page, kvHeads, headDim)
	keys, values := make([]uint32, pages*kv.PageBytes()/4), make([]uint32, pages*kv.PageBytes()/4)
	rows, row := d.HeadRows(headDim), d.Size() // a row is as many words as an element has bytes
	for head := range pages * kvHeads {
		for slot := range page {
			seen := live == nil || live[head/kvHeads*page+slot]
			key, value := r.head(d, headDim, seen), r.head(d, headDim, seen)
			copy(values[(head*page+slot)*rows*row:], value)
			for i := range rows {
				copy(keys[((head*rows+i)*page+slot)*row:], key[i*row:(i+1)*row])
			}
		}
	}
	r.do(func(o backend.Ops) {
		o.Write(asWords(kv.K, kv), keys)
		o.Write(asWords(kv.V, kv), values)
	})
	return kv
}

// head is the words of a random head, or of one that is not a number.
func (r *rig) head(d backend.DType, dim int, number bool) []uint32 {
	v := make([]float32, backend.Pad4(dim))
	for i := range dim {
		v[i] = float32(math.NaN())
		if number {
			v[i] = float32(r.rand.NormFloat64())
		}
	}
	var data []byte
	if d == backend.Q8 {
		for part := range slices.Chunk(v, 32) {
			data = quantise(data, part)
		}
	} else {
		data = encode(nil, d, v)
	}
	words := make([]uint32, len(data)/4)
	for i := range words {
		words[i] = binary.LittleEndian.Uint32(data[4*i:])
	}
	return words
}

// quantise appends a group of q8: its scale and its codes.
func quantise(data []byte, group []float32) []byte {
	most := float32(0)
	for _, v := range group {
		most = max(most, v, -v)
	}
	data = binary.LittleEndian.AppendUint32(data, math.Float32bits(most))
	for _, v := range group {
		data = append(data, byte(int8(math.Round(float64(v/most*127)))))
	}
	return data
}

func (r *rig) emptyCache(d backend.DType, pages, page, kvHeads, headDim int) *backend.KV {
	r.t.Helper()
	kv, err := r.b.NewKV(d, pages, page, kvHeads, headDim)
	r.must(err)
	r.release = append(r.release, kv.Release)
	return kv
}

// asWords sees a buffer of the cache as a tensor of one row of words.
func asWords(b backend.Buffer, kv *backend.KV) backend.Tensor {
	n := kv.Pages * kv.PageBytes() / 4
	return backend.Tensor{Buf: b, Rows: 1, Cols: n, Stride: backend.Stride(n)}
}

// showCache adds the contents of a buffer of a cache to the results, a row a head and page; codes and scales of q8 apart.
func (r *rig) showCache(name string, b backend.Buffer, kv *backend.KV) {
	r.t.Helper()
	words := r.fetch(asWords(b, kv))
	if kv.DType == backend.Q8 {
		r.showQ8(name, words, b == kv.V, kv)
		return
	}
	var all []float32
	for _, w := range words {
		if kv.DType == backend.F32 {
			all = append(all, math.Float32frombits(w))
			continue
		}
		all = append(all, float16.Frombits(uint16(w)).Float32(), float16.Frombits(uint16(w>>16)).Float32())
	}
	n := kv.Page * backend.Pad4(kv.HeadDim)
	r.results = append(r.results, result{name: name, rows: slices.Collect(slices.Chunk(all, n))})
}

// showQ8 adds scales and codes of q8 to the results. Rows of values follow each other; those of keys are a page apart.
func (r *rig) showQ8(name string, words []uint32, follow bool, kv *backend.KV) {
	rows, apart := kv.DType.HeadRows(kv.HeadDim), kv.Page
	if follow {
		apart = 1
	}
	scales, codes := result{name: name + "' scales"}, result{name: name + "' codes", codes: true}
	for head := range slices.Chunk(words, rows*kv.Page) {
		var s, c []float32
		for i, w := range head {
			if i/apart%rows%9 == 0 {
				s = append(s, math.Float32frombits(w))
				continue
			}
			for shift := 0; shift < 32; shift += 8 {
				c = append(c, float32(int8(w>>shift)))
			}
		}
		scales.rows, codes.rows = append(scales.rows, s), append(codes.rows, c)
	}
	r.results = append(r.results, scales, codes)
}

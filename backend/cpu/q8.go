package cpu

import (
	"math"

	"github.com/lrun/lrun/backend"
)

// q8Group is how many channels of a q8 cache share a scale, which lies before their quads.
const q8Group = 32

// q8Keys are the words of a q8 key at row at; its rows are Page apart.
func q8Keys(kv *backend.KV, at int) []uint32 {
	return words(kv.K).words[at : at+(kv.DType.HeadRows(kv.HeadDim)-1)*kv.Page+1]
}

// q8Value are the words of a q8 value at row at.
func q8Value(kv *backend.KV, at int) []uint32 {
	return words(kv.V).words[at : at+kv.DType.HeadRows(kv.HeadDim)]
}

// storeQ8 writes a head to rows that are step apart.
func storeQ8(rows []uint32, step int, head []float32) {
	at := 0
	for first := 0; first < len(head); first += q8Group {
		part := head[first:min(first+q8Group, len(head))]
		most := largest(part)
		rows[at] = math.Float32bits(most)
		at += step
		for c := 0; c < len(part); c += 4 {
			rows[at] = codes(part[c:min(c+4, len(part))], most)
			at += step
		}
	}
}

// largest is the largest magnitude in x.
func largest(x []float32) float32 {
	most := float32(0)
	for _, v := range x {
		most = max(most, v, -v)
	}
	return most
}

// codes is a quad as four int8, rounded as WGSL's pack4x8snorm does. What a GPU may take for zero is not divided by.
func codes(quad []float32, most float32) uint32 {
	word := uint32(0)
	for i, v := range quad {
		code := math.Floor(float64(0.5 + 127*(v/max(most, 1e-37))))
		word |= uint32(uint8(int8(code))) << (8 * i)
	}
	return word
}

// quadOf is the four int8 of a word.
func quadOf(w uint32) (a, b, c, d float32) {
	return float32(int8(w)), float32(int8(w >> 8)), float32(int8(w >> 16)), float32(int8(w >> 24))
}

// loadQ8 reads a head, padding included, from rows that are step apart.
func loadQ8(dst []float32, rows []uint32, step int) {
	at := 0
	scale := float32(0)
	for i := 0; i < len(dst); i += 4 {
		if i%q8Group == 0 {
			scale = math.Float32frombits(rows[at]) / 127
			at += step
		}
		a, b, c, d := quadOf(rows[at])
		dst[i], dst[i+1], dst[i+2], dst[i+3] = a*scale, b*scale, c*scale, d*scale
		at += step
	}
}

// dotQ8 is q·k of a key whose rows are step apart.
func dotQ8(q []float32, rows []uint32, step int) float32 {
	sum, at := float32(0), 0
	for first := 0; first < len(q); first += q8Group {
		scale := math.Float32frombits(rows[at]) / 127
		at += step
		part := float32(0)
		for i := first; i < min(first+q8Group, len(q)); i += 4 {
			a, b, c, d := quadOf(rows[at])
			x := q[i : i+4 : i+4]
			part += a*x[0] + b*x[1] + c*x[2] + d*x[3]
			at += step
		}
		sum += scale * part
	}
	return sum
}

// addQ8 adds weight times a value to acc.
func addQ8(acc []float32, weight float32, rows []uint32) {
	for first := 0; first < len(acc); first += q8Group {
		scale := weight * math.Float32frombits(rows[0]) / 127
		part := acc[first:min(first+q8Group, len(acc))]
		for i, w := range rows[1 : 1+len(part)/4] {
			a, b, c, d := quadOf(w)
			x := part[4*i : 4*i+4 : 4*i+4]
			x[0], x[1], x[2], x[3] = x[0]+scale*a, x[1]+scale*b, x[2]+scale*c, x[3]+scale*d
		}
		rows = rows[1+len(part)/4:]
	}
}

package vector

import (
	"math"
	"sync"

	"github.com/x448/float16"

	"github.com/lrun/lrun/backend"
)

// The loops are not instrumented for the race detector, under which they would take nearly all of its time.

// group is how many quantised values share a scale.
const group = backend.Group

// halves is every half widened: 256 KiB that make reading f16 a look-up.
var halves = sync.OnceValue(func() *[1 << 16]float32 {
	t := new([1 << 16]float32)
	for i := range t {
		t[i] = float16.Frombits(uint16(i)).Float32()
	}
	return t
})

// signed is every int8 as a float, which is quicker to look up than to convert.
var signed = func() (t [256]float32) {
	for i := range t {
		t[i] = float32(int8(i))
	}
	return t
}()

//go:norace
func plainDot(a, b []float32) float32 {
	b = b[:len(a)]
	var s0, s1, s2, s3 float32
	for len(a) >= 4 && len(b) >= 4 {
		s0 += a[0] * b[0]
		s1 += a[1] * b[1]
		s2 += a[2] * b[2]
		s3 += a[3] * b[3]
		a, b = a[4:], b[4:]
	}
	for i := 0; i < len(a) && i < len(b); i++ {
		s0 += a[i] * b[i]
	}
	return (s0 + s1) + (s2 + s3)
}

//go:norace
func plainTile(sums, w, x0, x1, x2 []float32) {
	k, rows := len(x0), len(sums)/3
	for r := 0; r < rows; r += 2 {
		w0, w1 := w[r*k:(r+1)*k], w[(r+1)*k:(r+2)*k]
		a, b := dots2x3(w0, w1, x0, x1, x2)
		for t := range 3 {
			sums[t*rows+r] += a[t]
			sums[t*rows+r+1] += b[t]
		}
	}
}

// dots2x3 are the products of two vectors with three, of even and of odd elements apart: half as many roundings in a row.
//
//go:norace
func dots2x3(w0, w1, x0, x1, x2 []float32) (a, b [3]float32) {
	n := len(w0)
	w1, x0, x1, x2 = w1[:n], x0[:n], x1[:n], x2[:n]
	var a0, a1, a2, b0, b1, b2, c0, c1, c2, d0, d1, d2 float32
	for i := 0; i < n-1; i += 2 {
		u, v := w0[i], w1[i]
		a0 += u * x0[i]
		a1 += u * x1[i]
		a2 += u * x2[i]
		b0 += v * x0[i]
		b1 += v * x1[i]
		b2 += v * x2[i]
		u, v = w0[i+1], w1[i+1]
		c0 += u * x0[i+1]
		c1 += u * x1[i+1]
		c2 += u * x2[i+1]
		d0 += v * x0[i+1]
		d1 += v * x1[i+1]
		d2 += v * x2[i+1]
	}
	return [3]float32{a0 + c0, a1 + c1, a2 + c2}, [3]float32{b0 + d0, b1 + d1, b2 + d2}
}

//go:norace
func plainWidenF16(dst []float32, src []uint16) {
	src = src[:len(dst)]
	table := halves()
	for i := range dst {
		dst[i] = table[src[i]]
	}
}

//go:norace
func plainWidenBF16(dst []float32, src []uint16) {
	src = src[:len(dst)]
	for i := range dst {
		dst[i] = math.Float32frombits(uint32(src[i]) << 16)
	}
}

//go:norace
func plainWidenQ8(dst []float32, codes []byte, scales []uint16) {
	table := halves()
	for _, s := range scales {
		scale := table[s] / 127
		x, c := dst[:group], codes[:group]
		for i := range x {
			x[i] = signed[c[i]] * scale
		}
		dst, codes = dst[group:], codes[group:]
	}
}

//go:norace
func plainWidenQ4(dst []float32, codes []byte, params []uint16) {
	table := halves()
	for len(params) >= 2 {
		scale, zero := table[params[0]], table[params[1]]
		var values [16]float32
		for code := range values {
			values[code] = scale * (signed[code] - zero)
		}
		low, high, c := dst[:group/2], dst[group/2:group], codes[:group/2]
		for i, pair := range c {
			low[i], high[i] = values[pair&15], values[pair>>4]
		}
		dst, codes, params = dst[group:], codes[group/2:], params[2:]
	}
}

//go:norace
func plainQuadDots(dst, q, keys []float32, pitch int) {
	clear(dst)
	for ; len(q) >= 4; q = q[4:] {
		a, b, c, d := q[0], q[1], q[2], q[3]
		k := keys[:4*len(dst)]
		for i := 0; i < len(dst) && len(k) >= 4; i++ {
			dst[i] += k[0]*a + k[1]*b + k[2]*c + k[3]*d
			k = k[4:]
		}
		keys = keys[min(pitch, len(keys)):]
	}
}

//go:norace
func plainAddRows(acc, weights, rows []float32) {
	for i, w := range weights {
		x := rows[i*len(acc):][:len(acc)]
		for c := range acc {
			acc[c] += w * x[c]
		}
	}
}

//go:norace
func plainExpSum(x []float32, top float32) float32 {
	sum := float32(0)
	for i, v := range x {
		x[i] = float32(math.Exp(float64(v - top)))
		sum += x[i]
	}
	return sum
}

//go:norace
func plainGateSiLU(dst, pairs []float32) {
	for i := range dst {
		v, through := pairs[2*i], pairs[2*i+1]
		dst[i] = v / (1 + float32(math.Exp(float64(min(-v, 80))))) * through
	}
}

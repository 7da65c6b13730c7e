package cpu

import (
	"math"
	"sync"

	"github.com/x448/float16"

	"github.com/lrun/lrun/backend"
)

// The products below are not instrumented for the race detector, under which they would take nearly all of its time: they
// only read, but for scratch of their caller's own.

// halfTable is every half widened: 256 KiB that make reading f16 weights a look-up.
var halfTable = sync.OnceValue(func() *[1 << 16]float32 {
	t := new([1 << 16]float32)
	for i := range t {
		t[i] = float16.Frombits(uint16(i)).Float32()
	}
	return t
})

// weightRow is row r of a matrix as f32, Pad8(Cols) long: in place when stored so, else widened into scratch.
//
//go:norace
func weightRow(m *backend.Matrix, r int, scratch []float32) []float32 {
	part := partOf(m, r)
	k := backend.Pad8(m.Cols)
	if m.DType.Quantised() {
		bytes := m.RowBytes()
		m.DType.Decode(scratch, words(part.Buf).bytes()[(r-part.First)*bytes:][:bytes], m.Cols)
		return scratch[:k]
	}
	at := (r - part.First) * k
	b := words(part.Buf)
	if m.DType == backend.F32 {
		return b.floats()[at : at+k]
	}
	src, dst := b.halves()[at:at+k], scratch[:k]
	if m.DType == backend.BF16 {
		for i, h := range src {
			dst[i] = math.Float32frombits(uint32(h) << 16)
		}
		return dst
	}
	table := halfTable()
	for i, h := range src {
		dst[i] = table[h]
	}
	return dst
}

// scratchRows are rows that workers widen weights into, kept from one operation to the next.
var scratchRows = sync.Pool{New: func() any { return new([]float32) }}

// withScratch calls f with room for a widened row of m.
func withScratch(m *backend.Matrix, f func(scratch []float32)) {
	room := scratchRows.Get().(*[]float32)
	defer scratchRows.Put(room)
	if need := (m.Cols + backend.Group - 1) / backend.Group * backend.Group; cap(*room) < need {
		*room = make([]float32, need)
	}
	f((*room)[:cap(*room)])
}

// partOf is the part that holds row r.
func partOf(m *backend.Matrix, r int) *backend.Part {
	i := len(m.Parts) - 1
	for m.Parts[i].First > r {
		i--
	}
	return &m.Parts[i]
}

// dotRow is the product of row r of a matrix with x, without widening the row first.
//
//go:norace
func dotRow(m *backend.Matrix, r int, x []float32) float32 {
	part := partOf(m, r)
	k := backend.Pad8(m.Cols)
	at := (r - part.First) * k
	b := words(part.Buf)
	switch m.DType {
	case backend.Q8, backend.Q4:
		sum := float32(0)
		withScratch(m, func(scratch []float32) { sum = dot(weightRow(m, r, scratch), x) })
		return sum
	case backend.F32:
		return dot(b.floats()[at:at+k], x)
	case backend.BF16:
		return dotBF16(b.halves()[at:at+k], x)
	}
	return dotF16(b.halves()[at:at+k], x)
}

// dotBF16 is dot with weights in bf16, eight or a multiple of them.
//
//go:norace
func dotBF16(w []uint16, x []float32) float32 {
	var s0, s1, s2, s3 float32
	for len(w) >= 4 && len(x) >= 4 {
		s0 += math.Float32frombits(uint32(w[0])<<16) * x[0]
		s1 += math.Float32frombits(uint32(w[1])<<16) * x[1]
		s2 += math.Float32frombits(uint32(w[2])<<16) * x[2]
		s3 += math.Float32frombits(uint32(w[3])<<16) * x[3]
		w, x = w[4:], x[4:]
	}
	return (s0 + s1) + (s2 + s3)
}

// dotF16 is dot with weights in f16, eight or a multiple of them.
//
//go:norace
func dotF16(w []uint16, x []float32) float32 {
	table := halfTable()
	var s0, s1, s2, s3 float32
	for len(w) >= 4 && len(x) >= 4 {
		s0 += table[w[0]] * x[0]
		s1 += table[w[1]] * x[1]
		s2 += table[w[2]] * x[2]
		s3 += table[w[3]] * x[3]
		w, x = w[4:], x[4:]
	}
	return (s0 + s1) + (s2 + s3)
}

// dot is Σ a·b in four partial sums; b is at least as long as a.
//
//go:norace
func dot(a, b []float32) float32 {
	b = b[:len(a)]
	var s0, s1, s2, s3 float32
	for len(a) >= 4 && len(b) >= 4 {
		s0 += a[0] * b[0]
		s1 += a[1] * b[1]
		s2 += a[2] * b[2]
		s3 += a[3] * b[3]
		a, b = a[4:], b[4:]
	}
	for i := range a {
		s0 += a[i] * b[i]
	}
	return (s0 + s1) + (s2 + s3)
}

// dot4 is the dot product of w with four rows at once, each summed in order.
//
//go:norace
func dot4(w, x0, x1, x2, x3 []float32) (s0, s1, s2, s3 float32) {
	n := len(w)
	x0, x1, x2, x3 = x0[:n], x1[:n], x2[:n], x3[:n]
	var t0, t1, t2, t3 float32
	i := 0
	for ; i+1 < n; i += 2 {
		a, b := w[i], w[i+1]
		s0 += a * x0[i]
		s1 += a * x1[i]
		s2 += a * x2[i]
		s3 += a * x3[i]
		t0 += b * x0[i+1]
		t1 += b * x1[i+1]
		t2 += b * x2[i+1]
		t3 += b * x3[i+1]
	}
	return s0 + t0, s1 + t1, s2 + t2, s3 + t3
}

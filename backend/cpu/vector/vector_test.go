package vector

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/x448/float16"

	"github.com/lrun/lrun/backend"
)

// lengths are around the eights and the larger steps in which the routines go.
var lengths = []int{0, 1, 3, 4, 7, 8, 9, 15, 16, 17, 31, 32, 33, 40, 63, 64, 65, 100, 128, 257, 1000}

func draw(n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(rand.NormFloat64())
	}
	return x
}

func words16(n int, most uint16) []uint16 {
	x := make([]uint16, n)
	for i := range x {
		x[i] = uint16(rand.IntN(int(most)))
	}
	return x
}

// near fails where got is off want by more than tolerance times the sum of magnitudes.
func near(t *testing.T, what string, got, want []float32, magnitude, tolerance float64) {
	t.Helper()
	for i := range want {
		if off := math.Abs(float64(got[i]) - float64(want[i])); !(off <= tolerance*(magnitude+math.Abs(float64(want[i])))) {
			t.Fatalf("%s: element %d is %g, want %g", what, i, got[i], want[i])
		}
	}
}

// Ensure that products are those of plain Go, at lengths that fill no register as at those that do.
func TestProducts(t *testing.T) {
	for _, n := range lengths {
		a, b := draw(n), draw(n+3)
		near(t, fmt.Sprintf("dot of %d", n), []float32{Dot(a, b)}, []float32{plainDot(a, b)}, math.Sqrt(float64(n)), 3e-6)
		if n == 0 || n%8 != 0 {
			continue
		}
		for _, rows := range []int{0, 4, 8, 32} {
			w, x := draw(rows*n), draw(3*n)
			got := draw(3 * rows)
			want := slices.Clone(got)
			Tile(got, w, x[:n], x[n:2*n], x[2*n:])
			plainTile(want, w, x[:n], x[n:2*n], x[2*n:])
			near(t, fmt.Sprintf("tile of %d rows of %d", rows, n), got, want, math.Sqrt(float64(n)), 3e-6)
		}
	}
}

// Ensure that stored values are widened to the bit, every half and bfloat16 of them, and rows as backend.Decode has them.
func TestWidening(t *testing.T) {
	all := make([]uint16, 0, 1<<16)
	for i := range 1 << 16 {
		if i&0x7c00 != 0x7c00 { // a processor may make one NaN another
			all = append(all, uint16(i))
		}
	}
	for _, n := range append(lengths, len(all)) {
		got, want := make([]float32, n), make([]float32, n)
		from := all[len(all)-n:]
		WidenF16(got, from)
		plainWidenF16(want, from)
		near(t, "f16", got, want, 0, 0)
		WidenBF16(got, from)
		plainWidenBF16(want, from)
		near(t, "bf16", got, want, 0, 0)
	}
	for _, cols := range []int{32, 64, 96, 1024} {
		for _, d := range []backend.DType{backend.Q8, backend.Q4} {
			row := make([]byte, d.RowBytes(cols))
			got, plain, want := make([]float32, cols), make([]float32, cols), make([]float32, cols)
			codes := row[:d.CodeBytes(cols)]
			for i := range codes {
				codes[i] = byte(rand.IntN(256))
			}
			for i, p := range words16((len(row)-len(codes))/2, 0x7c00) {
				binary.LittleEndian.PutUint16(row[len(codes)+2*i:], p)
			}
			d.Decode(want, row, cols)
			Widen(got[:32], d, row, cols, 0)
			Widen(got[32:], d, row, cols, 32)
			if params := as[uint16](row[len(codes):]); d == backend.Q8 {
				plainWidenQ8(plain, codes, params[:cols/group])
			} else {
				plainWidenQ4(plain, codes, params[:cols/group*2])
			}
			near(t, d.String(), got, want, 0, 0)
			near(t, d.String()+" in Go", plain, want, 0, 0)
		}
	}
}

// Ensure that products with stored rows are those with the rows widened, for any number of rows and odd numbers of columns.
func TestStoredRows(t *testing.T) {
	for _, d := range []backend.DType{backend.F32, backend.F16, backend.BF16, backend.Q8, backend.Q4} {
		for _, cols := range []int{1, 8, 31, 32, 40, 96, 257, 1000} {
			for _, n := range []int{1, 3, 4, 8, 9} {
				rows, x := storedRows(d, n, cols), draw(Columns(d, cols))
				sums, wide, want := make([]float32, n), make([]float32, len(x)), make([]float32, n)
				Dots(sums, d, rows, cols, x)
				for i := range want {
					Widen(wide, d, rows[i*d.RowBytes(cols):][:d.RowBytes(cols)], cols, 0)
					want[i] = plainDot(wide, x)
				}
				near(t, fmt.Sprintf("%d rows of %d in %s", n, cols, d), sums, want, math.Sqrt(float64(cols)), 3e-6)
			}
		}
	}
}

// storedRows are random rows as they are stored.
func storedRows(d backend.DType, n, cols int) []byte {
	rows := make([]byte, n*d.RowBytes(cols))
	for i := range n {
		row, x := rows[i*d.RowBytes(cols):][:d.RowBytes(cols)], draw(cols)
		switch d {
		case backend.Q8:
			backend.EncodeQ8(row, x)
		case backend.Q4:
			backend.EncodeQ4(row, x)
		default:
			for c, v := range x {
				switch d {
				case backend.F32:
					binary.LittleEndian.PutUint32(row[4*c:], math.Float32bits(v))
				case backend.F16:
					binary.LittleEndian.PutUint16(row[2*c:], float16.Fromfloat32(v).Bits())
				case backend.BF16:
					binary.LittleEndian.PutUint16(row[2*c:], uint16(math.Float32bits(v)>>16))
				}
			}
		}
	}
	return rows
}

// Ensure that attention's loops are those of plain Go for heads and runs of keys of any length.
func TestAttention(t *testing.T) {
	for _, d := range []int{4, 8, 12, 64, 68, 80, 128, 132} {
		for _, n := range []int{0, 1, 7, 8, 9, 16, 30} {
			const page = 32
			q, keys, weights := draw(d), draw(d*page), draw(n)
			got, want := make([]float32, n), make([]float32, n)
			QuadDots(got, q, keys[4:], 4*page)
			plainQuadDots(want, q, keys[4:], 4*page)
			near(t, fmt.Sprintf("%d keys of %d", n, d), got, want, math.Sqrt(float64(d)), 3e-6)
			got = draw(d)
			want = slices.Clone(got)
			AddRows(got, weights, keys)
			plainAddRows(want, weights, keys[:n*d])
			near(t, fmt.Sprintf("%d values of %d", n, d), got, want, math.Sqrt(float64(n)), 3e-6)
		}
	}
}

// Ensure that exponentials are right from where they vanish to where they are largest, and NaN stays NaN.
func TestExponentials(t *testing.T) {
	for _, n := range lengths {
		x := make([]float32, n)
		for i := range x {
			x[i] = 200*rand.Float32() - 190
		}
		got, want := slices.Clone(x), slices.Clone(x)
		sum, plain := ExpSum(got, 10), plainExpSum(want, 10)
		near(t, "exp", got, want, 1e-31, 3e-7)
		near(t, "sum", []float32{sum}, []float32{plain}, 1e-31, 1e-6)
		got, want = make([]float32, n/2), make([]float32, n/2)
		GateSiLU(got, x)
		plainGateSiLU(want, x)
		near(t, "silu", got, want, 1e-23, 5e-7)
	}
	x := slices.Repeat([]float32{float32(math.NaN())}, 9)
	if sum := ExpSum(x, 0); sum == sum || x[0] == x[0] || x[8] == x[8] {
		t.Errorf("e^NaN: %v and a sum of %g", x, sum)
	}
	x = slices.Repeat([]float32{-1e30}, 9)
	if sum := ExpSum(x, 0); sum != 0 {
		t.Errorf("e^-1e30 is %g", sum)
	}
}

func BenchmarkVector(b *testing.B) {
	const k, rows = 256, 32
	w, x, sums := draw(k*rows), draw(3*k), draw(3*rows)
	half := words16(k*rows, 0x7c00)
	q8, q4, bf16 := storedRows(backend.Q8, rows, k), storedRows(backend.Q4, rows, k), storedRows(backend.BF16, rows, k)
	page := draw(64 * 16)
	for _, c := range []struct {
		name string
		ops  int
		f    func()
	}{
		{"tile", 3 * k * rows, func() { Tile(sums, w, x[:k], x[k:2*k], x[2*k:]) }},
		{"dot", k, func() { Dot(w[:k], x) }},
		{"f16", k, func() { WidenF16(w[:k], half) }},
		{"bf16", k, func() { WidenBF16(w[:k], half) }},
		{"q8", k, func() { Widen(w[:k], backend.Q8, q8, k, 0) }},
		{"q4", k, func() { Widen(w[:k], backend.Q4, q4, k, 0) }},
		{"dots bf16", k * rows, func() { Dots(sums[:rows], backend.BF16, bf16, k, x) }},
		{"dots q8", k * rows, func() { Dots(sums[:rows], backend.Q8, q8, k, x) }},
		{"dots q4", k * rows, func() { Dots(sums[:rows], backend.Q4, q4, k, x) }},
		{"keys", 16 * 64, func() { QuadDots(sums[:16], x[:64], page, 64) }},
		{"values", 16 * 64, func() { AddRows(x[:64], sums[:16], page) }},
		{"exp", 64, func() { ExpSum(sums[:64], 3) }},
		{"silu", 32, func() { GateSiLU(sums[:32], w) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				c.f()
			}
			b.ReportMetric(float64(b.N)*float64(c.ops)/float64(b.Elapsed().Nanoseconds()), "ops/ns")
		})
	}
}

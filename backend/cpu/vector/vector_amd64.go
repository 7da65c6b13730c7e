//go:build !purego

package vector

import "golang.org/x/sys/cpu"

// The routines of avx2_*.s: the loops of plain.go for lengths in whole eights.

//go:noescape
func dotAVX2(a, b []float32) float32

//go:noescape
func tileAVX2(sums, w, x0, x1, x2 []float32)

//go:noescape
func widenF16AVX2(dst []float32, src []uint16)

//go:noescape
func widenBF16AVX2(dst []float32, src []uint16)

//go:noescape
func widenQ8AVX2(dst []float32, codes []byte, scales []uint16)

//go:noescape
func widenQ4AVX2(dst []float32, codes []byte, params []uint16)

//go:noescape
func quadDotsAVX2(dst, q, keys []float32, pitch int)

//go:noescape
func addRowsAVX2(acc, weights, rows []float32)

//go:noescape
func expSumAVX2(x []float32, top float32) float32

//go:noescape
func gateSiLUAVX2(dst, pairs []float32)

//go:noescape
func dotsF16AVX2(sums []float32, rows []byte, pitch, codes int, x []float32)

//go:noescape
func dotsBF16AVX2(sums []float32, rows []byte, pitch, codes int, x []float32)

//go:noescape
func dotsQ8AVX2(sums []float32, rows []byte, pitch, codes int, x []float32)

//go:noescape
func dotsQ4AVX2(sums []float32, rows []byte, pitch, codes int, x []float32)

func init() {
	if x := cpu.X86; x.HasAVX2 && x.HasFMA && x.HasF16C {
		dot, tile, quadDots, addRows = dotAVX2, tileAVX2, quadDotsAVX2, addRowsAVX2
		widenF16, widenBF16, widenQ8, widenQ4 = widenF16AVX2, widenBF16AVX2, widenQ8AVX2, widenQ4AVX2
		dotsF16, dotsBF16, dotsQ8, dotsQ4 = dotsF16AVX2, dotsBF16AVX2, dotsQ8AVX2, dotsQ4AVX2
		expSum, gateSiLU = expSumAVX2, gateSiLUAVX2
	}
}

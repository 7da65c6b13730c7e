package vector

// The loops as they run on this machine: those of plain.go, or of assembly where the processor has what they need.
var (
	dot       = plainDot
	tile      = plainTile
	widenF16  = plainWidenF16
	widenBF16 = plainWidenBF16
	widenQ8   = plainWidenQ8
	widenQ4   = plainWidenQ4
	quadDots  = plainQuadDots
	addRows   = plainAddRows
	expSum    = plainExpSum
	gateSiLU  = plainGateSiLU
	dotsF16   = plainDotsF16
	dotsBF16  = plainDotsBF16
	dotsQ8    = plainDotsQ8
	dotsQ4    = plainDotsQ4
)

// octets is the part of n elements that the loops take in eights; the rest is left to Go.
func octets(n int) int { return n &^ 7 }

// Dot is Σ a·b; b is at least as long as a.
func Dot(a, b []float32) float32 {
	n := octets(len(a))
	sum := dot(a[:n], b[:n])
	if n < len(a) {
		sum += plainDot(a[n:], b[n:])
	}
	return sum
}

// Tile adds the products of the rows of w with three vectors to sums: w is [rows][k] and sums [3][rows], k the length of the
// vectors, a multiple of 8, rows a multiple of 4.
func Tile(sums, w, x0, x1, x2 []float32) {
	k, rows := len(x0), len(sums)/3
	if k%8 != 0 || rows%4 != 0 {
		panic("vector: a tile of odd sides")
	}
	tile(sums[:3*rows], w[:rows*k], x0, x1[:k], x2[:k])
}

// WidenF16 reads len(dst) halves.
func WidenF16(dst []float32, src []uint16) {
	n := octets(len(dst))
	widenF16(dst[:n], src[:n])
	plainWidenF16(dst[n:], src[n:len(dst)])
}

// WidenBF16 reads len(dst) bfloat16.
func WidenBF16(dst []float32, src []uint16) {
	n := octets(len(dst))
	widenBF16(dst[:n], src[:n])
	plainWidenBF16(dst[n:], src[n:len(dst)])
}

// QuadDots is the product of q with the first len(dst) keys of a page. A key is len(q)/4 quads, pitch elements apart; the
// keys' first quads follow one another.
func QuadDots(dst, q, keys []float32, pitch int) {
	n := octets(len(dst))
	if last := (len(q)/4-1)*pitch + 4*len(dst); len(q)%4 != 0 || last > len(keys) {
		panic("vector: keys beyond their page")
	}
	if n > 0 {
		quadDots(dst[:n], q, keys, pitch)
	}
	if n < len(dst) {
		plainQuadDots(dst[n:], q, keys[4*n:], pitch)
	}
}

// AddRows adds Σ weights[i]·rows[i] to acc; rows is [len(weights)][len(acc)].
func AddRows(acc, weights, rows []float32) {
	addRows(acc, weights, rows[:len(weights)*len(acc)])
}

// ExpSum makes e^(x − top) of every x, none of which is above top, and returns their sum.
func ExpSum(x []float32, top float32) float32 {
	n := octets(len(x))
	sum := expSum(x[:n], top)
	if n < len(x) {
		sum += plainExpSum(x[n:], top)
	}
	return sum
}

// GateSiLU makes dst[i] the product of x/(1 + e^−x), x being pairs[2i], with pairs[2i+1].
func GateSiLU(dst, pairs []float32) {
	n := octets(len(dst))
	pairs = pairs[:2*len(dst)]
	gateSiLU(dst[:n], pairs)
	plainGateSiLU(dst[n:], pairs[2*n:])
}

package vector

import "math"

// The products of stored rows with x, rows pitch bytes apart, whose codes take so many bytes.

//go:norace
func plainDotsF16(sums []float32, rows []byte, pitch, codes int, x []float32) {
	table := halves()
	for i := range sums {
		w := as[uint16](rows[i*pitch:][:codes])
		x := x[:len(w)]
		var s0, s1, s2, s3 float32
		for len(w) >= 4 && len(x) >= 4 {
			s0 += table[w[0]] * x[0]
			s1 += table[w[1]] * x[1]
			s2 += table[w[2]] * x[2]
			s3 += table[w[3]] * x[3]
			w, x = w[4:], x[4:]
		}
		sums[i] = (s0 + s1) + (s2 + s3)
	}
}

//go:norace
func plainDotsBF16(sums []float32, rows []byte, pitch, codes int, x []float32) {
	for i := range sums {
		w := as[uint16](rows[i*pitch:][:codes])
		x := x[:len(w)]
		var s0, s1, s2, s3 float32
		for len(w) >= 4 && len(x) >= 4 {
			s0 += math.Float32frombits(uint32(w[0])<<16) * x[0]
			s1 += math.Float32frombits(uint32(w[1])<<16) * x[1]
			s2 += math.Float32frombits(uint32(w[2])<<16) * x[2]
			s3 += math.Float32frombits(uint32(w[3])<<16) * x[3]
			w, x = w[4:], x[4:]
		}
		sums[i] = (s0 + s1) + (s2 + s3)
	}
}

//go:norace
func plainDotsQ8(sums []float32, rows []byte, pitch, codes int, x []float32) {
	table := halves()
	for i := range sums {
		c, scales := rows[i*pitch:][:codes], as[uint16](rows[i*pitch+codes:(i+1)*pitch])
		x, sum := x[:len(c)], float32(0)
		for _, s := range scales[:codes/group] {
			low, high, y, z := c[:group/2], c[group/2:group], x[:group/2], x[group/2:group]
			var s0, s1 float32
			for j := range low {
				s0 += signed[low[j]] * y[j]
				s1 += signed[high[j]] * z[j]
			}
			sum += table[s] * (s0 + s1)
			c, x = c[group:], x[group:]
		}
		sums[i] = sum / 127
	}
}

//go:norace
func plainDotsQ4(sums []float32, rows []byte, pitch, codes int, x []float32) {
	table := halves()
	for i := range sums {
		c, params := rows[i*pitch:][:codes], as[uint16](rows[i*pitch+codes:(i+1)*pitch])
		x, sum := x[:2*len(c)], float32(0)
		for ; len(c) > 0; c, x, params = c[group/2:], x[group:], params[2:] {
			zero, y, z := table[params[1]], x[:group/2], x[group/2:group]
			var s0, s1 float32
			for j, pair := range c[:group/2] {
				s0 += (signed[pair&15] - zero) * y[j]
				s1 += (signed[pair>>4] - zero) * z[j]
			}
			sum += table[params[0]] * (s0 + s1)
		}
		sums[i] = sum
	}
}

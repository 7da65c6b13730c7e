package cpu

import "github.com/lrun/lrun/backend"

// Embed looks rows of a table up; see backend.Embed.
func (o *ops) Embed(dst backend.Tensor, a backend.Embed) {
	if !o.ready(a.Check(dst)) {
		return
	}
	withScratch(func(s *scratch) {
		for t, id := range bits(a.IDs, 0)[:dst.Rows] {
			y := row(dst, t)
			clear(y)
			s.addRow(y, a.Table, int(id), a.Scale)
			if a.Positions != nil {
				s.addRow(y, a.Positions, int(bits(a.Pos, 0)[t]), 1)
			}
		}
	})
}

// addRow adds row r of a matrix, scaled, to y, or nothing where there is no such row.
func (s *scratch) addRow(y []float32, m *backend.Matrix, r int, scale float32) {
	if r >= m.Rows {
		return
	}
	for from := 0; from < len(y); from += blockCols {
		part := y[from:min(from+blockCols, len(y))]
		widen(s.weights[:], m, r, from, len(part))
		for i, v := range s.weights[:len(part)] {
			part[i] += v * scale
		}
	}
}

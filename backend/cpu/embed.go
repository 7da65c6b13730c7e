package cpu

import (
	"slices"

	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/backend/cpu/vector"
)

// Embed looks rows of a table up; see backend.Embed.
func (o *ops) Embed(dst backend.Tensor, a backend.Embed) {
	if !o.ready(a.Check(dst)) {
		return
	}
	for t, id := range bits(a.IDs, 0)[:dst.Rows] {
		y := row(dst, t)
		clear(y)
		o.addRow(y, a.Table, int(id), a.Scale)
		if a.Positions != nil {
			o.addRow(y, a.Positions, int(bits(a.Pos, 0)[t]), 1)
		}
	}
}

// addRow adds row r of a matrix, scaled, to y, or nothing where there is no such row.
func (o *ops) addRow(y []float32, m *backend.Matrix, r int, scale float32) {
	if r >= m.Rows {
		return
	}
	wide := slices.Grow(o.wide[:0], vector.Columns(m.DType, m.Cols))[:vector.Columns(m.DType, m.Cols)]
	rows, _ := rowsOf(m, r, 1)
	vector.Widen(wide, m.DType, rows, m.Cols, 0)
	for i, v := range wide[:len(y)] {
		y[i] += scale * v
	}
	o.wide = wide
}

package cpu

import "github.com/lrun/lrun/backend"

// Embed looks rows of a table up; see backend.Embed.
func (o *ops) Embed(dst backend.Tensor, a backend.Embed) {
	if !o.ready(a.Check(dst)) {
		return
	}
	withScratch(a.Table, func(scratch []float32) { lookUp(dst, a, scratch) })
}

// lookUp is Embed with room for a widened row.
func lookUp(dst backend.Tensor, a backend.Embed, scratch []float32) {
	ids := bits(a.IDs, 0)
	for t := range dst.Rows {
		y := row(dst, t)
		clear(y)
		if int(ids[t]) < a.Table.Rows {
			for i, v := range weightRow(a.Table, int(ids[t]), scratch)[:len(y)] {
				y[i] = v * a.Scale
			}
		}
		if a.Positions == nil {
			continue
		}
		at := int(bits(a.Pos, 0)[t])
		if at < a.Positions.Rows {
			for i, v := range weightRow(a.Positions, at, scratch)[:len(y)] {
				y[i] += v
			}
		}
	}
}

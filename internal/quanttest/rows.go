package quanttest

import (
	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/weights"
)

// Rows are lrun's own layouts, rows as devices hold them: q8 and q4.
func Rows() []Layout {
	return []Layout{rowsOf("q8", backend.Q8, backend.EncodeQ8), rowsOf("q4", backend.Q4, backend.EncodeQ4)}
}

func rowsOf(format string, d backend.DType, encode func(dst []byte, row []float32)) Layout {
	return Layout{
		Name: "lrun " + format, Config: `{"quant_method": "lrun", "format": "` + format + `"}`,
		Says: "lrun: " + format + " in groups of 32", DType: weights.F32,
		Quantise: func(name string, m Matrix) ([]weights.Tensor, []float32) {
			rows, shape := weights.RowTensors(name+".weight", d, m.Rows, m.Cols)
			rows.Data = make([]byte, rows.Elements())
			stored := d.RowBytes(m.Cols)
			row, decoded := make([]float32, m.Cols), make([]float32, m.Cols+backend.Group)
			var values []float32
			for r := range m.Rows {
				for c := range row {
					row[c] = m.at(r, c)
				}
				to := rows.Data[r*stored:][:stored]
				encode(to, row)
				d.Decode(decoded, to, m.Cols)
				values = append(values, decoded[:m.Cols]...)
			}
			return []weights.Tensor{rows, shape}, values
		},
	}
}

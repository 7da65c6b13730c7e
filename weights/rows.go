package weights

import (
	"fmt"
	"strings"

	"github.com/lrun/lrun/backend"
)

// RowsMethod is the quant_method of lrun's own layout: matrices as devices hold them, in the type that format names. A matrix w
// [out][in] is w_rows U8 [out][bytes of a row], see backend.EncodeQ8 and EncodeQ4, and w_shape I64 [2].
const RowsMethod = "lrun"

// What follows the name of a matrix in lrun's own layout.
const (
	rowsSuffix  = "_rows"
	shapeSuffix = "_shape"
)

// rowFormats are the types by their names in a quantization_config.
var rowFormats = map[string]backend.DType{"q8": backend.Q8, "q4": backend.Q4}

// rows is a matrix stored as devices hold it.
type rows struct {
	stored *Tensor
	dtype  backend.DType
	cols   int
}

// RowTensors are the tensors that store a matrix [out][in] of type d: w_rows, whose Data is to come, and w_shape.
func RowTensors(name string, d backend.DType, out, in int) (stored, shape Tensor) {
	stored = Tensor{Name: name + rowsSuffix, DType: U8, Shape: []int{out, d.RowBytes(in)}}
	return stored, FromInt64(name+shapeSuffix, []int{2}, []int64{int64(out), int64(in)})
}

// checkRows refuses formats that devices do not hold.
func (q *quantConfig) checkRows() error {
	if _, ok := rowFormats[q.Format]; !ok {
		return q.wrong("format", q.Format, "lrun reads q8 and q4: quantise the original again")
	}
	return nil
}

// readRows reads lrun's own layout.
func readRows(m *module) (*coded, error) {
	base, ok := strings.CutSuffix(m.Name, rowsSuffix)
	if !ok {
		return nil, nil
	}
	stored, err := m.matrix(m.Name, U8)
	if err != nil {
		return nil, err
	}
	shape, err := m.part(base + shapeSuffix)
	if err != nil {
		return nil, err
	}
	dims, err := shape.Int64s()
	if err != nil {
		return nil, err
	}
	d, bytes := rowFormats[m.Format], stored.Shape[1]
	if len(dims) != 2 || dims[0] != int64(stored.Shape[0]) || dims[1] < 1 || dims[1] > 2*int64(bytes) || d.RowBytes(int(dims[1])) != bytes {
		return nil, m.wrong(shape, "it is %v, which does not fit rows %v of %s", clipInts(dims), stored.Shape, m.Format)
	}
	return &coded{base, []int{int(dims[0]), int(dims[1])}, F32, &rows{stored, d, int(dims[1])}}, nil
}

func (r *rows) decode(dst []float32, row, col int) {
	var group [backend.Group]float32
	stored := r.stored.Data[row*r.stored.Shape[1]:][:r.stored.Shape[1]]
	for len(dst) > 0 {
		r.dtype.DecodeGroup(group[:], stored, r.cols, col/backend.Group)
		n := copy(dst, group[col%backend.Group:])
		dst, col = dst[n:], col+n
	}
}

func (r *rows) String() string {
	return fmt.Sprintf("%s in groups of %d", strings.ToLower(r.dtype.String()), backend.Group)
}

// Rows are the bytes of n rows from row first on where the tensor is stored as a device holds matrices of type d, else nil.
func (t *Tensor) Rows(d backend.DType, first, n int) []byte {
	r, ok := t.code.(*rows)
	if !ok || r.dtype != d {
		return nil
	}
	bytes := r.stored.Shape[1]
	return r.stored.Data[first*bytes : (first+n)*bytes]
}

// RowType is the type in which devices hold the matrices of the checkpoint, where they are stored so; else F32.
func (c *Checkpoint) RowType() backend.DType {
	for _, t := range c.tensors {
		if r, ok := t.code.(*rows); ok {
			return r.dtype
		}
	}
	return backend.F32
}

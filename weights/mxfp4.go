package weights

import "strings"

// e2m1 is the values of the 4-bit floats of the OCP Microscaling Formats specification, version 1.0.
var e2m1 = [16]float32{0, 0.5, 1, 1.5, 2, 3, 4, 6, -0, -0.5, -1, -1.5, -2, -3, -4, -6}

// mxBlock is how many elements share a scale there.
const mxBlock = 32

// readMXFP4 reads the layout of gpt-oss: w_blocks U8 […][rows][groups][16], a byte two consecutive elements, the first in
// the lower half; and w_scales U8 […][rows][groups], 2 to the byte less 127. The weight w is […][rows][32·groups].
func readMXFP4(m *module) (*coded, error) {
	base, ok := strings.CutSuffix(m.Name, "_blocks")
	if !ok {
		return nil, nil
	}
	scales, err := m.part(base + "_scales")
	if err != nil {
		return nil, err
	}
	outer := len(m.Shape) - 1
	if outer < 2 || m.Shape[outer] != mxBlock/2 || m.Elements() == 0 {
		return nil, m.wrong(m.Tensor, "its shape is %s, want [rows][groups][16]", quoteShape(m.Shape))
	}
	shape := append([]int{}, m.Shape[:outer]...)
	shape[outer-1] *= mxBlock
	return m.mxfp4(base, shape, scales)
}

// mxfp4 presents the module's tensor, pairs of 4-bit floats, with scales for each 32 of them.
func (m *module) mxfp4(name string, shape []int, scales *Tensor) (*coded, error) {
	for _, t := range []*Tensor{m.Tensor, scales} {
		if t.DType != U8 && t.DType != F8E8M0 {
			return nil, m.wrong(t, "it is %s, want U8", t.DType)
		}
	}
	cols := shape[len(shape)-1]
	if cols%mxBlock != 0 || scales.Elements() != 2*m.Elements()/mxBlock {
		return nil, m.wrong(scales, "its shape %s does not fit groups of %d of %s weights", quoteShape(scales.Shape), mxBlock, quoteShape(shape))
	}
	return &coded{name, shape, BF16, &mxfp4{m.Tensor, scales, cols}}, nil
}

// mxfp4 is a matrix of 4-bit floats with a power of 2 for each 32 of a row.
type mxfp4 struct {
	pairs, scales *Tensor
	cols          int
}

func (x *mxfp4) decode(dst []float32, row, col int) {
	first := row*x.cols + col
	for i := range dst {
		at := first + i
		half := x.pairs.Data[at/2] >> (at % 2 * 4) & 15
		dst[i] = e2m1[half] * e8m0[x.scales.Data[at/mxBlock]]
	}
}

func (x *mxfp4) String() string { return "float4 e2m1 in groups of 32" }

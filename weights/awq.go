package weights

import "strings"

// awqOrder is the place in its word of each of eight consecutive outputs.
var awqOrder = []int{0, 4, 1, 5, 2, 6, 3, 7}

// checkAWQ refuses the layouts for products with one vector.
func (q *quantConfig) checkAWQ() error {
	for key, layout := range map[string]string{"version": q.Version, "checkpoint_format": q.CheckpointFormat, "format": q.Format} {
		if layout != "" && !strings.EqualFold(layout, "gemm") {
			return q.wrong(key, layout, "lrun reads gemm: take such a checkpoint")
		}
	}
	return nil
}

// readAWQ reads the gemm layout of AutoAWQ (for the method see arXiv 2306.00978), of in × out weights of 4 bits: qweight I32
// [in][out/8] and qzeros I32 [groups][out/8], a word the codes of outputs 0 2 4 6 1 3 5 7 of eight; scales [groups][out].
func readAWQ(m *module) (*coded, error) {
	base, ok := strings.CutSuffix(m.Name, ".qweight")
	if !ok {
		return nil, nil
	}
	codes, err := m.matrix(m.Name, I32, U32)
	if err != nil {
		return nil, err
	}
	scales, err := m.matrix(base+".scales", F16, BF16, F32)
	if err != nil {
		return nil, err
	}
	zeros, err := m.matrix(base+".qzeros", I32, U32)
	if err != nil {
		return nil, err
	}
	in, groups, out := codes.Shape[0], scales.Shape[0], scales.Shape[1]
	if codes.Shape[1]*8 != out || zeros.Shape[0] != groups || zeros.Shape[1]*8 != out {
		return nil, m.wrong(codes, "its shape %v does not fit scales %v and zeros %v of 4 bits: lrun reads no other layout",
			codes.Shape, scales.Shape, zeros.Shape)
	}
	zero := packed{words: zeros, bits: 4, rows: 1, cols: out / 8, down: true, order: awqOrder}
	a := &affine{codes: zero, cols: in, zero: zero.code}
	a.codes.words = codes
	a.scale = func(row, group int) float32 { return scales.at(group*out + row) }
	if err := m.groups(a, groups, nil); err != nil {
		return nil, err
	}
	return &coded{base + ".weight", []int{out, in}, keeps(scales.DType), a}, nil
}

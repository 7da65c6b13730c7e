package weights

import (
	"encoding/binary"
	"math"
	"slices"
	"strings"
)

// checkGPTQ refuses layouts that are made for one kernel.
func (q *quantConfig) checkGPTQ() error {
	if q.Marlin {
		return q.wrong("is_marlin_format", "true", "lrun reads the layouts gptq and gptq_v2: take such a checkpoint")
	}
	for key, layout := range map[string]string{"checkpoint_format": q.CheckpointFormat, "format": q.Format} {
		if !slices.Contains([]string{"", "gptq", "gptq_v2"}, layout) {
			return q.wrong(key, layout, "lrun reads gptq and gptq_v2: take such a checkpoint")
		}
	}
	return nil
}

// readGPTQ reads the layout of AutoGPTQ and GPTQModel (for the method see arXiv 2210.17323), of in × out weights of 2, 4 or
// 8 bits: qweight I32 [in·bits/32][out], a word the codes of consecutive inputs; scales [groups][out]; qzeros I32
// [groups][out·bits/32], a word the zeros of consecutive outputs, less 1 each but for gptq_v2; and g_idx I32 [in], the group
// of each input, where it is there.
func readGPTQ(m *module) (*coded, error) {
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
	groups, out := scales.Shape[0], codes.Shape[1]
	bits := 32 * zeros.Shape[1] / out
	if bits != 2 && bits != 4 && bits != 8 {
		return nil, m.wrong(codes, "its weights have %d bits, lrun reads 2, 4 and 8: take another version of the model", bits)
	}
	in := codes.Shape[0] * (32 / bits)
	if scales.Shape[1] != out || zeros.Shape[0] != groups || zeros.Shape[1]*(32/bits) != out {
		return nil, m.wrong(codes, "its shape %v does not fit scales %v and zeros %v", codes.Shape, scales.Shape, zeros.Shape)
	}
	a := &affine{codes: packed{words: codes, bits: bits, rows: 1, cols: out}, cols: in}
	a.scale = func(row, group int) float32 { return scales.at(group*out + row) }
	a.zero = m.zeros(zeros, bits)
	if err := m.groups(a, groups, m.option(base+".g_idx")); err != nil {
		return nil, err
	}
	return &coded{base + ".weight", []int{out, in}, keeps(scales.DType), a}, nil
}

// zeros reads a module's zeros. Where the config says that they are symmetric, they are the middle of the codes, whatever is
// stored: there are checkpoints that call themselves gptq and store as gptq_v2 does. Else 1 is added to whole words, which
// undoes the subtraction also where it borrowed from the next zero.
func (m *module) zeros(t *Tensor, bits int) func(row, group int) int {
	if m.Symmetric {
		return func(int, int) int { return 1 << (bits - 1) }
	}
	p := packed{words: t, bits: bits, rows: 1, cols: t.Shape[1], down: true}
	if m.CheckpointFormat != "gptq_v2" && m.Format != "gptq_v2" {
		p.add = math.MaxUint32 / (1<<bits - 1)
	}
	return p.code
}

// groups sets an affine's groups of inputs: of one size, if that is what the index, which may be nil, says too.
func (m *module) groups(a *affine, groups int, index *Tensor) error {
	a.size = groupSize(a.cols, groups, m.GroupSize)
	if index != nil && index.Elements() > 0 {
		if index.DType != I32 || len(index.Shape) != 1 || index.Shape[0] != a.cols {
			return m.wrong(index, "it is %s %s, want I32 [%d]", index.DType, quoteShape(index.Shape), a.cols)
		}
		for i := range a.cols {
			g := binary.LittleEndian.Uint32(index.Data[4*i:])
			if g >= uint32(groups) {
				return m.wrong(index, "input %d is in group %d of %d", i, int32(g), groups)
			}
			if a.size > 0 && int(g) != i/a.size {
				a.size = 0
			}
		}
		a.index = index
		return nil
	}
	if a.size == 0 {
		return m.wrong(m.Tensor, "%d inputs do not make the %d groups that there are scales for", a.cols, groups)
	}
	return nil
}

// groupSize is the columns of a group, as declared or else of groups that are all as large; 0: they are not.
func groupSize(cols, groups, declared int) int {
	switch {
	case declared > 0 && (cols+declared-1)/declared == groups:
		return declared
	case cols%groups == 0:
		return cols / groups
	}
	return 0
}

package weights

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// compressedFormats are the formats of compressed-tensors that are read.
var compressedFormats = []string{"", "dense", "int-quantized", "float-quantized", "naive-quantized", "pack-quantized",
	"mxfp4-pack-quantized", "mixed-precision"}

// checkCompressed refuses formats that are not read, and weights that are stored rotated or sparse.
func (q *quantConfig) checkCompressed() error {
	remedy := "lrun reads " + strings.Join(compressedFormats[1:], ", ") + ": take a checkpoint in one of these"
	if !slices.Contains(compressedFormats, q.Format) {
		return q.wrong("format", q.Format, remedy)
	}
	for name, g := range q.Groups {
		if !slices.Contains(compressedFormats, g.Format) {
			return q.wrong("config_groups."+quote(name)+".format", g.Format, remedy)
		}
	}
	if q.Sparsity.Format != "" && q.Sparsity.Format != "dense" {
		return q.wrong("sparsity_config.format", q.Sparsity.Format, "lrun reads dense weights: take a checkpoint without sparsity")
	}
	if len(q.Transforms.Groups) > 0 {
		return q.wrong("transform_config.config_groups", "transforms of weights", "take a checkpoint without them")
	}
	return q.declaredBlock()
}

// declaredBlock takes the block of the first group that has one.
func (q *quantConfig) declaredBlock() error {
	q.Block = nil
	for _, name := range slices.Sorted(maps.Keys(q.Groups)) {
		raw := q.Groups[name].Weights.Block
		if raw == nil || string(raw) == "null" {
			continue
		}
		var block [2]int
		if _, err := fmt.Sscanf(string(raw), `"%dx%d"`, &block[0], &block[1]); err != nil {
			if err := json.Unmarshal(raw, &block); err != nil {
				return q.wrong("config_groups."+quote(name)+".weights.block_structure", clip(raw), "want two numbers, [128, 128]")
			}
		}
		q.Block = block[:]
		return nil
	}
	return nil
}

// readCompressed reads the layouts of the library compressed-tensors: integers packed into words (w_packed), or weights of
// int8 and float8 under their own name, with w_scale and perhaps w_zero_point.
func readCompressed(m *module) (*coded, error) {
	if base, ok := strings.CutSuffix(m.Name, "_packed"); ok {
		scale, err := m.part(base + "_scale")
		if err != nil {
			return nil, err
		}
		if m.DType == U8 {
			return m.compressedFloat4(base, scale)
		}
		return m.compressedWords(base)
	}
	integer := m.DType == I8 && strings.HasSuffix(m.Name, ".weight")
	if !integer && !m.DType.fp8() {
		return nil, nil
	}
	scale, err := m.part(m.Name + "_scale")
	if err != nil {
		return nil, err
	}
	table := &int8s
	if !integer {
		table = m.DType.table()
	}
	w, err := m.scaled(scale, m.Block, table)
	if err != nil {
		return nil, err
	}
	if zero := m.option(m.Name + "_zero_point"); zero != nil {
		if integer && (zero.DType != I8 || zero.Elements() != scale.Elements()) {
			return nil, m.wrong(zero, "it is %s %s, want I8 of the shape of the scales", zero.DType, quoteShape(zero.Shape))
		}
		if integer {
			w.code.(*scaled).zero = zero
		}
	}
	return w, nil
}

// compressedFloat4 reads pairs of 4-bit floats, U8 [out][in/2] with U8 scales [out][in/32].
func (m *module) compressedFloat4(base string, scale *Tensor) (*coded, error) {
	if len(m.Shape) != 2 || m.Elements() == 0 {
		return nil, m.wrong(m.Tensor, "its shape is %s, want two dimensions above 0", quoteShape(m.Shape))
	}
	return m.mxfp4(base, []int{m.Shape[0], 2 * m.Shape[1]}, scale)
}

// compressedWords reads integers of 4 or 8 bits: w_packed I32 [out][⌈in·bits/32⌉], a word the codes of consecutive inputs,
// which are the signed numbers plus 2^(bits−1); w_shape I64 [2]; w_scale [out][groups]; of asymmetric ones w_zero_point, I8
// [out][groups] or, so packed along out, I32 [⌈out·bits/32⌉][groups]; with act-order w_g_idx, the group of each input.
func (m *module) compressedWords(base string) (*coded, error) {
	codes, err := m.matrix(m.Name, I32, U32)
	if err != nil {
		return nil, err
	}
	shape, err := m.part(base + "_shape")
	if err != nil {
		return nil, err
	}
	dims, err := shape.Int64s()
	if err != nil {
		return nil, err
	}
	words := codes.Shape[1]
	if len(dims) != 2 || dims[0] != int64(codes.Shape[0]) || dims[1] < 1 || dims[1] > 8*int64(words) {
		return nil, m.wrong(shape, "it is %v, which does not fit %v words", clipInts(dims), codes.Shape)
	}
	out, in, bits := int(dims[0]), int(dims[1]), 0
	for _, b := range []int{4, 8} {
		if ceil(in*b, 32) == words {
			bits = b
		}
	}
	if bits == 0 {
		return nil, m.wrong(codes, "%d weights in %d words have not 4 or 8 bits: take another version of the model", in, words)
	}
	scale, err := m.part(base + "_scale")
	if err != nil {
		return nil, err
	}
	g, err := m.grid(scale, out, in, nil)
	if err != nil {
		return nil, err
	}
	a := &affine{codes: packed{words: codes, bits: bits, rows: words, cols: 1}, cols: in}
	a.scale = func(row, group int) float32 { return scale.at(row/g.rows*g.stride + group) }
	if a.zero, err = m.compressedZeros(base, &g, bits); err != nil {
		return nil, err
	}
	if err := m.groups(a, g.stride, m.option(base+"_g_idx")); err != nil {
		return nil, err
	}
	return &coded{base, []int{out, in}, keeps(scale.DType), a}, nil
}

// compressedZeros reads the zeros of packed integers: the middle of the codes where none are stored.
func (m *module) compressedZeros(base string, g *grid, bits int) (func(row, group int) int, error) {
	middle := 1 << (bits - 1)
	t := m.option(base + "_zero_point")
	switch {
	case t == nil:
		return func(int, int) int { return middle }, nil
	case t.DType == I8 && t.Elements() == g.scale.Elements():
		return func(row, group int) int { return middle + int(int8(t.Data[row/g.rows*g.stride+group])) }, nil
	case t.DType == I32 && g.rows == 1 && slices.Equal(t.Shape, []int{ceil(g.of[0]*bits, 32), g.stride}):
		p := packed{words: t, bits: bits, rows: g.stride, cols: 1, down: true}
		return p.code, nil
	}
	return nil, m.wrong(t, "it is %s %s, which does not fit scales %s", t.DType, quoteShape(t.Shape), quoteShape(g.scale.Shape))
}

// clipInts is the first of many numbers.
func clipInts(all []int64) []int64 { return all[:min(len(all), 4)] }

// int8s are the signed numbers by their bits.
var int8s = func() (table [256]float32) {
	for i := range table {
		table[i] = float32(int8(i))
	}
	return table
}()

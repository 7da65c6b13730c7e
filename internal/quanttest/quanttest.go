// Package quanttest quantises matrices into the layouts of checkpoints, for tests of their readers: slowly and straight from
// each layout's definition.
package quanttest

import (
	"encoding/binary"
	"math"
	"math/rand/v2"

	"github.com/x448/float16"

	"github.com/lrun/lrun/weights"
)

// Layout is a way in which a checkpoint stores a matrix.
type Layout struct {
	Name     string
	Config   string        // the quantization_config
	Says     string        // what a checkpoint of it says of itself
	DType    weights.DType // that the matrix is presented in
	Quantise func(name string, m Matrix) ([]weights.Tensor, []float32)
}

// Matrix is what is quantised: values [Rows][Cols], or random codes where there are none.
type Matrix struct {
	Rows, Cols int
	Values     []float32
	Rand       *rand.Rand
}

// at is a value, or one of that size.
func (m Matrix) at(row, col int) float32 {
	if m.Values == nil {
		return float32(m.Rand.NormFloat64() * 0.05)
	}
	return m.Values[row*m.Cols+col]
}

// integers is a matrix of codes: an element is scale·(code − zero) of its group.
type integers struct {
	Matrix
	bits   int
	groups int
	group  []int // of each column
	codes  [][]int
	zeros  [][]int     // [row][group]
	scales [][]float32 // [row][group]
}

// quantise makes codes of some bits in groups of columns, group being that of a column, with scales that are rounded.
func (m Matrix) quantise(bits, groups int, symmetric bool, group func(col int) int, round func(float32) float32) *integers {
	q := &integers{Matrix: m, bits: bits, groups: groups, group: make([]int, m.Cols)}
	for c := range q.group {
		q.group[c] = group(c)
	}
	most := float32(int(1)<<bits - 1)
	for r := range m.Rows {
		values := make([]float32, m.Cols)
		low, high := make([]float32, groups), make([]float32, groups)
		for c := range values {
			values[c] = m.at(r, c)
			low[q.group[c]], high[q.group[c]] = min(low[q.group[c]], values[c]), max(high[q.group[c]], values[c])
		}
		scales, zeros, codes := make([]float32, groups), make([]int, groups), make([]int, m.Cols)
		for g := range scales {
			if symmetric {
				low[g] = min(low[g], -high[g])
				high[g] = -low[g]
			}
			scales[g] = round(max((high[g]-low[g])/most, 1e-4))
			zeros[g] = 1 << (bits - 1)
			if !symmetric {
				zeros[g] = min(int(most), int(math.Round(float64(-low[g]/scales[g]))))
			}
			if m.Values == nil && !symmetric {
				zeros[g] = m.Rand.IntN(int(most) + 1)
			}
		}
		for c := range codes {
			g := q.group[c]
			codes[c] = max(0, min(int(most), int(math.Round(float64(values[c]/scales[g])))+zeros[g]))
			if m.Values == nil {
				codes[c] = m.Rand.IntN(int(most) + 1)
			}
		}
		q.scales, q.zeros, q.codes = append(q.scales, scales), append(q.zeros, zeros), append(q.codes, codes)
	}
	return q
}

// decoded is the matrix that the codes stand for.
func (q *integers) decoded() []float32 {
	var all []float32
	for r := range q.Rows {
		for c := range q.Cols {
			g := q.group[c]
			all = append(all, q.scales[r][g]*float32(q.codes[r][c]-q.zeros[r][g]))
		}
	}
	return all
}

// words is an I32 tensor of codes, rows × cols words, a word's n-th code being that which code gives.
func words(name string, rows, cols, bits int, code func(row, col, n int) int) weights.Tensor {
	t := weights.Tensor{Name: name, DType: weights.I32, Shape: []int{rows, cols}}
	for r := range rows {
		for c := range cols {
			word := uint32(0)
			for n := range 32 / bits {
				word |= uint32(code(r, c, n)&(1<<bits-1)) << (n * bits)
			}
			t.Data = binary.LittleEndian.AppendUint32(t.Data, word)
		}
	}
	return t
}

// indices is an I32 tensor.
func indices(name string, values []int) weights.Tensor {
	t := weights.Tensor{Name: name, DType: weights.I32, Shape: []int{len(values)}}
	for _, v := range values {
		t.Data = binary.LittleEndian.AppendUint32(t.Data, uint32(v))
	}
	return t
}

// Floats is a tensor of values that a dtype, F32, F16 or BF16, holds exactly.
func Floats(name string, d weights.DType, values []float32, shape ...int) weights.Tensor {
	t := weights.Tensor{Name: name, DType: d, Shape: shape}
	for _, v := range values {
		switch d {
		case weights.F16:
			t.Data = binary.LittleEndian.AppendUint16(t.Data, float16.Fromfloat32(v).Bits())
		case weights.BF16:
			t.Data = binary.LittleEndian.AppendUint16(t.Data, uint16(math.Float32bits(v)>>16))
		default:
			t.Data = binary.LittleEndian.AppendUint32(t.Data, math.Float32bits(v))
		}
	}
	return t
}

// Round is a number as a dtype holds it, to nearest even.
func Round(d weights.DType, v float32) float32 {
	switch d {
	case weights.F16:
		return float16.Fromfloat32(v).Float32()
	case weights.BF16:
		// The spacing of the 8 bits that are kept.
		_, exp := math.Frexp(float64(v))
		step := math.Ldexp(1, max(exp-8, -133))
		return float32(math.RoundToEven(float64(v)/step) * step)
	}
	return v
}

func rounder(d weights.DType) func(float32) float32 {
	return func(v float32) float32 { return Round(d, v) }
}

// transposed is [groups][rows] of [row][group].
func transposed(all [][]float32) (flat []float32) {
	for g := range all[0] {
		for r := range all {
			flat = append(flat, all[r][g])
		}
	}
	return flat
}

func flat(all [][]float32) (flat []float32) {
	for _, row := range all {
		flat = append(flat, row...)
	}
	return flat
}

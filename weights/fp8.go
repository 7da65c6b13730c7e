package weights

import (
	"fmt"
	"math"
)

// readFP8 reads weights of 8-bit floats [out][in] with factors for a block each, for a row, or for all: w times w_scale_inv
// (DeepSeek-V3, arXiv 2412.19437: blocks of weight_block_size, and in spite of the name the factor itself) or w_scale.
func readFP8(m *module) (*coded, error) {
	if !m.DType.fp8() {
		return nil, nil
	}
	scale := m.option(m.Name + "_scale_inv")
	if scale == nil {
		var err error
		if scale, err = m.part(m.Name + "_scale"); err != nil {
			return nil, err
		}
	}
	return m.scaled(scale, m.Block, m.DType.table())
}

// scaled presents the module's tensor, a matrix of bytes that stand for the numbers of a table, times scales.
func (m *module) scaled(scale *Tensor, block []int, table *[256]float32) (*coded, error) {
	if len(m.Shape) != 2 || m.Elements() == 0 {
		return nil, m.wrong(m.Tensor, "its shape is %s, want two dimensions above 0", quoteShape(m.Shape))
	}
	g, err := m.grid(scale, m.Shape[0], m.Shape[1], block)
	if err != nil {
		return nil, err
	}
	s := &scaled{data: m.Tensor, table: table, grid: g}
	dtype := keeps(scale.DType)
	if m.DType.fp8() && g.powers() {
		dtype = BF16
	}
	return &coded{m.Name, m.Shape, dtype, s}, nil
}

// scaled is a matrix of bytes: an element is scale·(table[byte] − zero), with its block's scale and zero.
type scaled struct {
	data  *Tensor
	table *[256]float32
	grid  grid
	zero  *Tensor // of as many elements as scales; nil: 0
}

func (s *scaled) decode(dst []float32, row, col int) {
	src := s.data.Data[row*s.data.Shape[1]+col:]
	for i := 0; i < len(dst); {
		at, end := s.grid.index(row, col+i), min(len(dst), s.grid.end(col+i)-col)
		scale, zero := s.grid.scale.at(at), float32(0)
		if s.zero != nil {
			zero = s.zero.at(at)
		}
		for ; i < end; i++ {
			dst[i] = scale * (s.table[src[i]] - zero)
		}
	}
}

func (s *scaled) String() string {
	name := "int8"
	switch s.data.DType {
	case F8E4M3:
		name = "float8 e4m3"
	case F8E5M2:
		name = "float8 e5m2"
	}
	return name + s.grid.String()
}

// grid is where the scales of a matrix are: one for each block of rows × cols elements.
type grid struct {
	scale      *Tensor
	rows, cols int // of a block
	stride     int // scales of a row of blocks
	of         [2]int
}

// grid finds which blocks of a matrix the elements of scale are for; block is that of the config, empty where there is none.
func (m *module) grid(scale *Tensor, rows, cols int, block []int) (grid, error) {
	if !scale.DType.Float() {
		return grid{}, m.wrong(scale, "it is %s, want floating-point numbers", scale.DType)
	}
	down, across := scale.Elements(), 1
	if len(scale.Shape) == 2 {
		down, across = scale.Shape[0], scale.Shape[1]
	}
	g := grid{scale: scale, stride: across, of: [2]int{rows, cols}}
	fits := func(high, wide int) bool {
		g.rows, g.cols = high, wide
		return len(scale.Shape) <= 2 && high > 0 && wide > 0 && down == ceil(rows, high) && across == ceil(cols, wide)
	}
	switch {
	case fits(rows, cols), len(block) == 2 && fits(block[0], block[1]), fits(1, cols), across > 0 && cols%across == 0 && fits(1, cols/across):
		return g, nil
	}
	return g, m.wrong(scale, "its shape is %s, which is no scale for all, a row, a group or a block of %v of %d × %d weights",
		quoteShape(scale.Shape), block, rows, cols)
}

func ceil(n, of int) int { return (n-1)/of + 1 }

// index is the scale of an element.
func (g *grid) index(row, col int) int { return row/g.rows*g.stride + col/g.cols }

// end is the first column after a column's block.
func (g *grid) end(col int) int { return (col/g.cols + 1) * g.cols }

// powers tells whether all scales are powers of 2, which round nothing.
func (g *grid) powers() bool {
	for _, v := range g.scale.Float32s() {
		if f, _ := math.Frexp(float64(v)); f != 0.5 {
			return false
		}
	}
	return true
}

func (g *grid) String() string {
	switch {
	case g.rows == g.of[0] && g.cols == g.of[1]:
		return " with a scale a matrix"
	case g.rows == 1 && g.cols == g.of[1]:
		return " with a scale a row"
	case g.rows == 1:
		return fmt.Sprintf(" in groups of %d", g.cols)
	}
	return fmt.Sprintf(" in blocks of %d × %d", g.rows, g.cols)
}

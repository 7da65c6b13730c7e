//go:build cgo && !nogpu && ((linux && amd64) || (darwin && (amd64 || arm64)) || (windows && amd64))

package webgpu

import (
	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/wgsl"
)

const (
	// fewTokens is the most tokens for which a matrix is read row by row; more make a matrix product in tiles.
	fewTokens = 16
	// manyTiles is how many tiles fill a GPU; of fewer each is cut into four.
	manyTiles = 128
)

// product is how a kernel pair covers tokens × rows of a matrix.
type product struct {
	kernel  *wgsl.Kernel
	variant wgsl.Variant
	x, y, z uint32
}

// plan chooses between the kernels of a pair and the grid for a part of so many rows, of which each block is multiplied with
// columns of its own; 0 where there are no blocks. A tile is for one block.
func (d *device) plan(vec, tile *wgsl.Kernel, w *backend.Matrix, tokens, rows, block int) product {
	format := weightFormat(w.DType)
	if tokens > fewTokens && block%64 == 0 {
		size := d.tile(tokens, rows, block)
		n := wgsl.Tiles[size]
		return product{tile, tile.Variants[format*len(wgsl.Tiles)+size], uint32(ceil(rows, n)), uint32(ceil(tokens, n)), 1}
	}
	lanes, many, cols := d.lanes(w, block), 0, 1
	if tokens > 1 {
		many, cols = 1, 4
	}
	x, y := fold(ceil(rows, wgsl.VecRows(wgsl.VecLanes[lanes])))
	return product{vec, vec.Variants[2*(format*len(wgsl.VecLanes)+lanes)+many], x, y, uint32(ceil(tokens, cols))}
}

// tile is the largest tile of which there are enough and which is not half empty, as an index of wgsl.Tiles. A tile is for one
// block. A software adapter is filled by any number.
func (d *device) tile(tokens, rows, block int) int {
	enough := manyTiles
	if d.IsSoftware() {
		enough = 1
	}
	size := len(wgsl.Tiles) - 1
	for ; size > 0; size-- {
		n := wgsl.Tiles[size]
		if block%n == 0 && n < 2*min(tokens, rows) && ceil(rows, n)*ceil(tokens, n) >= enough {
			break
		}
	}
	return size
}

// lanes is how many threads share a row, as an index of wgsl.VecLanes. On a GPU neighbouring threads should read neighbouring
// memory; a software adapter pays for each hand-over between threads, and for threads without work. A workgroup is for one block.
func (d *device) lanes(w *backend.Matrix, block int) int {
	switch {
	case block%16 != 0:
		return 2
	case block%64 == 0 && d.IsSoftware():
		return 0
	case d.IsSoftware() || codeWords(w) <= 32:
		return 1
	}
	return 2
}

// Linear is a matrix product with its epilogue; see backend.Linear.
func (s *step) Linear(dst, x backend.Tensor, w *backend.Matrix, a backend.Linear) {
	if s.refused(a.Check(dst, x, w)) {
		return
	}
	if a.Scale == 0 {
		a.Scale = 1
	}
	block, columns := 0, 0
	if a.Blocks > 1 {
		block, columns = w.Rows/a.Blocks, w.Cols
	}
	for _, part := range w.Parts {
		params := [...]uint32{
			rowWords(w), codeWords(w), uint32(ceil(w.Cols, 4)), uint32(part.Rows), uint32(x.Rows), quads(x), uint32(dst.Stride),
			uint32(part.First), uint32(a.Act), has(a.Bias, 1) | has(a.Gate, 2) | flag(a.Add, 4),
			bits(a.Scale), bits(a.SoftCap), uint32(a.Gate.Stride), uint32(max(0, a.Gate.Cols-1)),
			uint32(max(block, 1)), uint32(columns / 4),
		}
		s.work(x.Rows * part.Rows * w.Cols)
		p := s.dev.plan(wgsl.LinearVec, wgsl.LinearTile, w, x.Rows, part.Rows, block)
		s.dispatch("linear", p.kernel, p.variant, params[:], p.x, p.y, p.z,
			bindBuffer(part.Buf), bindTensor(x), bindTensor(a.Bias), bindTensor(a.Gate), bindTensor(dst))
	}
}

// GateUp is a gated matrix product; see backend.GateUp.
func (s *step) GateUp(dst, x backend.Tensor, w *backend.Matrix, a backend.GateUp) {
	if s.refused(a.Check(dst, x, w)) {
		return
	}
	for _, part := range w.Parts {
		params := [...]uint32{
			rowWords(w), codeWords(w), uint32(ceil(w.Cols, 4)), uint32(part.Rows), uint32(x.Rows), quads(x), uint32(dst.Stride),
			uint32(part.First), uint32(a.Act), has(a.Bias, 1),
		}
		s.work(x.Rows * part.Rows * w.Cols)
		p := s.dev.plan(wgsl.GateUpVec, wgsl.GateUpTile, w, x.Rows, part.Rows, 0)
		s.dispatch("gate_up", p.kernel, p.variant, params[:], p.x, p.y, p.z,
			bindBuffer(part.Buf), bindTensor(x), bindTensor(a.Bias), bindTensor(dst))
	}
}

//go:build cgo && !nogpu && ((linux && amd64) || (darwin && (amd64 || arm64)) || (windows && amd64))

package webgpu

import (
	"slices"

	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/wgsl"
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
	if tokens > d.tuning.RowTokens && block%64 == 0 {
		size := d.tile(tokens, rows, block)
		n := wgsl.Tiles[size]
		return product{tile, tile.Variants[format*len(wgsl.Tiles)+size], uint32(ceil(rows, n.Rows)), uint32(ceil(tokens, n.Tokens)), 1}
	}
	lanes, many, cols := d.lanes(w, block), 0, 1
	if tokens > 1 {
		many, cols = 1, 4
	}
	x, y := fold(ceil(rows, wgsl.VecRows(wgsl.VecLanes[lanes])))
	return product{vec, vec.Variants[2*(format*len(wgsl.VecLanes)+lanes)+many], x, y, uint32(ceil(tokens, cols))}
}

// tile is the largest tile of which there are enough and which is not half empty, or that of threads on their own where the tuning
// says so, as an index of wgsl.Tiles. A tile is for one block.
func (d *device) tile(tokens, rows, block int) int {
	size := len(wgsl.Tiles) - 1
	for ; size > 0; size-- {
		n := wgsl.Tiles[size]
		pays := n.Own || n.Rows < 2*rows && n.Tokens < 2*tokens && ceil(rows, n.Rows)*ceil(tokens, n.Tokens) >= d.tuning.Tiles
		if n.Own == d.tuning.Own && block%n.Rows == 0 && pays {
			break
		}
	}
	return size
}

// lanes is how many threads share a row, as an index of wgsl.VecLanes: more than the tuning says where a workgroup would have
// rows of two blocks.
func (d *device) lanes(w *backend.Matrix, block int) int {
	i := slices.Index(wgsl.VecLanes, d.tuning.Vec.of(w))
	for i < len(wgsl.VecLanes)-1 && block%wgsl.VecRows(wgsl.VecLanes[i]) != 0 {
		i++
	}
	return i
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
	one := block == 0 && s.dev.tuning.Fuse && x.Rows == 1
	x, norm := s.taken(x, a.Norm, one)
	for _, part := range w.Parts {
		params := [...]uint32{
			rowWords(w), codeWords(w), uint32(ceil(w.Cols, 4)), uint32(part.Rows), uint32(x.Rows), quads(x), uint32(dst.Stride),
			uint32(part.First), uint32(a.Act), has(a.Bias, 1) | has(a.Gate, 2) | flag(a.Add, 4),
			bits(a.Scale), bits(a.SoftCap), uint32(a.Gate.Stride), uint32(max(0, a.Gate.Cols-1)),
			uint32(max(block, 1)), uint32(columns / 4), 0,
		}
		s.work(x.Rows * part.Rows * w.Cols)
		if one {
			p := s.dev.planOne(wgsl.LinearOne, w, part.Rows)
			params[14], params[15], params[16] = normParams(w, norm)
			s.dispatch("linear", p.kernel, p.variant, params[:], p.x, p.y, p.z, bindBuffer(part.Buf), bindTensor(x), bindWeight(norm),
				bindTensor(a.Bias), bindTensor(a.Gate), bindTensor(dst))
			continue
		}
		p := s.dev.plan(wgsl.LinearVec, wgsl.LinearTile, w, x.Rows, part.Rows, block)
		s.dispatch("linear", p.kernel, p.variant, params[:16], p.x, p.y, p.z,
			bindBuffer(part.Buf), bindTensor(x), bindTensor(a.Bias), bindTensor(a.Gate), bindTensor(dst))
	}
}

// GateUp is a gated matrix product; see backend.GateUp.
func (s *step) GateUp(dst, x backend.Tensor, w *backend.Matrix, a backend.GateUp) {
	if s.refused(a.Check(dst, x, w)) {
		return
	}
	one := s.dev.tuning.Fuse && x.Rows == 1
	x, norm := s.taken(x, a.Norm, one)
	for _, part := range w.Parts {
		params := [...]uint32{
			rowWords(w), codeWords(w), uint32(ceil(w.Cols, 4)), uint32(part.Rows), uint32(x.Rows), quads(x), uint32(dst.Stride),
			uint32(part.First), uint32(a.Act), has(a.Bias, 1), 0, 0, 0,
		}
		s.work(x.Rows * part.Rows * w.Cols)
		if one {
			p := s.dev.planOne(wgsl.GateUpOne, w, part.Rows)
			params[10], params[11], params[12] = normParams(w, norm)
			s.dispatch("gate_up", p.kernel, p.variant, params[:], p.x, p.y, p.z,
				bindBuffer(part.Buf), bindTensor(x), bindWeight(norm), bindTensor(a.Bias), bindTensor(dst))
			continue
		}
		p := s.dev.plan(wgsl.GateUpVec, wgsl.GateUpTile, w, x.Rows, part.Rows, 0)
		s.dispatch("gate_up", p.kernel, p.variant, params[:10], p.x, p.y, p.z,
			bindBuffer(part.Buf), bindTensor(x), bindTensor(a.Bias), bindTensor(dst))
	}
}

// taken is a product's x with the norm that is left for a kernel *_one, of which these have the RMS norm alone.
func (s *step) taken(x backend.Tensor, n *backend.Norm, one bool) (backend.Tensor, *backend.Norm) {
	if one && n != nil && n.RMS && n.Bias.IsNone() {
		return x, n
	}
	return s.normed(x, n), nil
}

// planOne chooses how many threads share a row.
func (d *device) planOne(k *wgsl.Kernel, w *backend.Matrix, rows int) product {
	format, lanes := weightFormat(w.DType), d.tuning.One.of(w)
	x, y := fold(ceil(rows, wgsl.OneRows(wgsl.WeightFormats[format], lanes)))
	return product{k, k.Variants[format*len(wgsl.OneLanes)+slices.Index(wgsl.OneLanes, lanes)], x, y, 1}
}

// normParams are the columns, what there is of a norm, and its eps.
func normParams(w *backend.Matrix, n *backend.Norm) (cols, there, eps uint32) {
	if n == nil {
		return uint32(w.Cols), 0, 0
	}
	return uint32(w.Cols), 1 | has(n.Weight, 2), bits(n.Eps)
}

// bindWeight binds the weights of a norm that may be absent.
func bindWeight(n *backend.Norm) binding {
	if n == nil {
		return bindTensor(backend.Tensor{})
	}
	return bindTensor(n.Weight)
}

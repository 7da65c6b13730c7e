//go:build cgo && !nogpu && ((linux && amd64) || (darwin && (amd64 || arm64)) || (windows && amd64))

package webgpu

import (
	"math"
	"slices"

	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/wgsl"
)

// maxHeadDim is the widest head that the kernels have room for.
const maxHeadDim = 4 * wgsl.MaxQuads

// fold lays n workgroups out in two dimensions.
func fold(n int) (x, y uint32) {
	if n <= maxWorkgroups {
		return uint32(n), 1
	}
	return maxWorkgroups, uint32((n + maxWorkgroups - 1) / maxWorkgroups)
}

// ceil is n/size rounded up.
func ceil(n, size int) int { return (n + size - 1) / size }

// bits is a float as a uniform's word.
func bits(x float32) uint32 { return math.Float32bits(x) }

// quads is a tensor's row stride in vec4<f32>.
func quads(t backend.Tensor) uint32 { return uint32(t.Stride / 4) }

// flag is mask where on, else 0.
func flag(on bool, mask uint32) uint32 {
	if on {
		return mask
	}
	return 0
}

// has is mask where the optional tensor is there, else 0.
func has(t backend.Tensor, mask uint32) uint32 { return flag(!t.IsNone(), mask) }

// refused reports whether an operation must not run: an error before it or in its operands.
func (s *step) refused(err error) bool {
	if s.err == nil {
		s.err = err
	}
	return s.err != nil
}

// fits reports whether the kernels have room for the cache's heads, and fails the step if not.
func (s *step) fits(op string, kv *backend.KV) bool {
	if kv.HeadDim > maxHeadDim {
		s.fail(op, "heads of %d channels; at most %d are supported on WebGPU", kv.HeadDim, maxHeadDim)
	}
	return s.err == nil
}

// cacheTypes are the types of caches in the order of wgsl.CacheFormats.
var cacheTypes = []backend.DType{backend.F32, backend.F16, backend.Q8}

// cacheFormat is a cache's type as an index of wgsl.CacheFormats, -1 where it is none of them.
func cacheFormat(d backend.DType) int { return slices.Index(cacheTypes, d) }

// weightTypes are the types of matrices in the order of wgsl.WeightFormats.
var weightTypes = []backend.DType{backend.F32, backend.F16, backend.BF16, backend.Q8, backend.Q4}

// weightFormat is a matrix's type as an index of wgsl.WeightFormats, -1 where it is none of them.
func weightFormat(d backend.DType) int { return slices.Index(weightTypes, d) }

// rowWords is what a row of a matrix takes, in 16 bytes, and codeWords what its elements take of that, scales not counted.
func rowWords(w *backend.Matrix) uint32  { return uint32(w.RowBytes() / 16) }
func codeWords(w *backend.Matrix) uint32 { return uint32(w.DType.CodeBytes(w.Cols) / 16) }

// rowKernel launches a kernel with one workgroup a row.
func (s *step) rowKernel(op string, k *wgsl.Kernel, v wgsl.Variant, rows int, params []uint32, bindings ...binding) {
	x, y := fold(rows)
	s.dispatch(op, k, v, params, x, y, 1, bindings...)
}

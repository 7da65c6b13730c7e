//go:build cgo && !nogpu && ((linux && amd64) || (darwin && (amd64 || arm64)) || (windows && amd64))

package webgpu

import (
	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/wgsl"
)

// Embed looks rows of a table up; see backend.Embed.
func (s *step) Embed(dst backend.Tensor, a backend.Embed) {
	if s.refused(a.Check(dst)) {
		return
	}
	s.lookUp(dst, a.IDs, a.Table, a.Scale, false)
	if a.Positions != nil {
		s.lookUp(dst, a.Pos, a.Positions, 1, true)
	}
}

// lookUp stores, or adds, the table's rows at ids, part by part.
func (s *step) lookUp(dst, ids backend.Tensor, table *backend.Matrix, scale float32, add bool) {
	for i, part := range table.Parts {
		params := [...]uint32{
			uint32(ceil(table.Cols, 4)), rowWords(table), codeWords(table), uint32(dst.Rows), quads(dst), uint32(part.First), uint32(part.Rows),
			flag(i == 0 && !add, 1), flag(add, 1), bits(scale),
		}
		s.rowKernel("embed", wgsl.Embed, wgsl.Embed.Variants[weightFormat(table.DType)], dst.Rows, params[:],
			bindTensor(ids), bindBuffer(part.Buf), bindTensor(dst))
	}
}

//go:build cgo && !nogpu && ((linux && amd64) || (darwin && (amd64 || arm64)) || (windows && amd64))

package webgpu

import (
	"math"

	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/wgsl"
)

// LogProb scores one target a row; see backend.Ops.
func (s *step) LogProb(dst, logits, targets backend.Tensor) {
	if s.refused(backend.CheckLogProb(dst, logits, targets)) {
		return
	}
	params := [...]uint32{uint32(logits.Cols), uint32(logits.Rows), quads(logits), uint32(dst.Stride)}
	s.rowKernel("log_prob", wgsl.LogProb, "", logits.Rows, params[:], bindTensor(logits), bindTensor(targets), bindTensor(dst))
}

// scanChunks is about how many workgroups scan the logits, at most the 256 threads of the one that draws.
const scanChunks = 64

// Sample draws a token; see backend.Sample.
func (s *step) Sample(dst, logits backend.Tensor, a backend.Sample) {
	if s.refused(a.Check(dst, logits)) {
		return
	}
	vocab := logits.Cols
	chunk := ceil(ceil(vocab, scanChunks), 256) * 256
	chunks := ceil(vocab, chunk)
	z, partial := s.scratch("sample logits", backend.Pad4(vocab)*4), s.scratch("sample chunks", scanChunks*16)
	next, counts := s.scratch("no next", 4), s.scratch("no counts", 4)
	if !a.Next.IsNone() {
		next = bindTensor(a.Next)
	}
	if !a.Counts.IsNone() {
		counts = bindTensor(a.Counts)
	}
	scan := [...]uint32{
		uint32(vocab), uint32(chunk), has(a.Counts, 1),
		bits(a.Repetition), bits(a.Presence), bits(a.Frequency), bits(max(a.Temperature, 0)),
	}
	s.dispatch("sample", wgsl.SampleScan, "", scan[:], uint32(chunks), 1, 1,
		bindTensor(logits), bindTensor(a.Counts), z, partial)
	topK, topP, minP := a.TopK, a.TopP, float32(-1e30)
	if topK < 0 || topK >= vocab {
		topK = 0
	}
	if topP < 0 || topP >= 1 {
		topP = 0
	}
	if a.MinP > 0 {
		minP = float32(math.Log(float64(a.MinP)))
	}
	draw := [...]uint32{
		uint32(vocab), uint32(chunks), flag(a.Temperature <= 0, 1), uint32(topK), bits(topP), bits(minP),
		a.Seed, a.Step, has(a.Counts, 1),
	}
	s.dispatch("sample", wgsl.Sample, "", draw[:], 1, 1, 1, bindTensor(logits), z, partial, counts, next, bindTensor(dst))
}

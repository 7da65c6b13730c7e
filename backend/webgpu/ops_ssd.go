//go:build cgo && !nogpu && ((linux && amd64) || (darwin && (amd64 || arm64)) || (windows && amd64))

package webgpu

import (
	"math"

	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/wgsl"
)

const (
	// ssdFew is the most tokens that go through state space duality one after the other; more go in tiles.
	ssdFew = 16
	// ssdTile is the tokens of a tile.
	ssdTile = 32
)

// SSD is Mamba-2's recurrence and lightning attention's; see backend.SSD.
func (s *step) SSD(dst, x backend.Tensor, a backend.SSD) {
	if s.refused(a.Check(dst, x)) || !s.scans("ssd", dst.Rows, a.State, 256) {
		return
	}
	if a.Insert == 0 {
		a.Insert = 1
	}
	if a.Most == 0 {
		a.Most = math.MaxFloat32
	}
	s.work(3 * dst.Rows * dst.Cols * a.State)
	if dst.Rows > ssdFew && inQuads(dst, a) && a.Channels(dst.Cols)%4 == 0 {
		s.ssdTiles(dst, x, a)
		return
	}
	s.ssdVec(dst, x, a)
}

// StateNorm bounds the norms of heads' states; see backend.StateNorm.
func (s *step) StateNorm(state backend.Tensor, a backend.StateNorm) {
	if s.refused(a.Check(state)) {
		return
	}
	params := [...]uint32{uint32(state.Rows / a.Heads), uint32(state.Cols), uint32(state.Stride), uint32(a.Phase)}
	s.dispatch("state_norm", wgsl.StateNorm, "", params[:], uint32(a.Heads), 1, 1, bindTensor(a.From), bindTensor(a.To), bindTensor(state))
}

// StateWindow has states forget what they were; see backend.StateWindow.
func (s *step) StateWindow(state backend.Tensor, a backend.StateWindow) {
	if s.refused(a.Check(state)) {
		return
	}
	d := a.Decays
	if d.Most == 0 {
		d.Most = math.MaxFloat32
	}
	params := [...]uint32{
		uint32(d.Delta.Rows), uint32(state.Rows / d.Heads), uint32(state.Cols), uint32(state.Stride), uint32(d.Delta.Stride),
		uint32(d.DeltaFirst), has(d.DeltaBias, 1), flag(a.Forget, 1), bits(d.Least), bits(d.Most), bits(d.Retain),
	}
	s.dispatch("state_window", wgsl.StateWindow, "", params[:], uint32(d.Heads), 1, 1, bindTensor(d.Delta), bindTensor(d.DeltaBias),
		bindTensor(d.A), bindTensor(a.From), bindTensor(a.FadeFrom), bindTensor(a.To), bindTensor(a.FadeTo), bindTensor(state))
}

// inQuads reports whether B and C begin at quads of a row of x, and states are whole ones.
func inQuads(dst backend.Tensor, a backend.SSD) bool { return a.State%4 == 0 && dst.Cols%4 == 0 }

// ssdVec is SSD one token after the other.
func (s *step) ssdVec(dst, x backend.Tensor, a backend.SSD) {
	width := a.Channels(dst.Cols)
	params := [...]uint32{
		uint32(dst.Rows), uint32(a.Heads), uint32(a.Heads / a.Groups), uint32(width), uint32(a.State), uint32(x.Stride),
		uint32(dst.Cols), uint32(dst.Cols + a.Groups*a.State), uint32(a.Delta.Stride), uint32(a.DeltaFirst), quads(a.From),
		uint32(dst.Stride), has(a.Delta, 1) | has(a.DeltaBias, 2) | has(a.D, 4), bits(a.Least), bits(a.Most), bits(a.Retain),
		bits(a.Insert),
	}
	variant := (a.State - 1) / 64 * 2
	if !inQuads(dst, a) {
		variant++
	}
	s.dispatch("ssd", wgsl.SSDVec, wgsl.SSDVec.Variants[variant], params[:], uint32(ceil(width, 16)), uint32(a.Heads), 1,
		bindTensor(x), bindTensor(a.Delta), bindTensor(a.DeltaBias), bindTensor(a.A), bindTensor(a.D), bindTensor(a.From),
		bindTensor(a.To), bindTensor(dst))
}

// ssdTiles is SSD in tiles, of heads and states that are whole quads.
func (s *step) ssdTiles(dst, x backend.Tensor, a backend.SSD) {
	tiles := ceil(dst.Rows, ssdTile)
	work := s.scratch("ssd", 4*ssdTile*tiles*(a.Groups*ssdTile+a.Heads))
	b, c := uint32(dst.Cols/4), uint32((dst.Cols+a.Groups*a.State)/4)
	score := [...]uint32{
		uint32(dst.Rows), uint32(a.Heads), uint32(a.Groups), uint32(a.State / 4), quads(x), b, c, uint32(a.Delta.Stride),
		uint32(a.DeltaFirst), has(a.Delta, 1) | has(a.DeltaBias, 2), bits(a.Least), bits(a.Most),
	}
	s.dispatch("ssd", wgsl.SSDScore, "", score[:], uint32(tiles), uint32(a.Groups), 1,
		bindTensor(x), bindTensor(a.Delta), bindTensor(a.DeltaBias), work)
	width := a.Channels(dst.Cols) / 4
	params := [...]uint32{
		uint32(dst.Rows), uint32(a.Heads), uint32(a.Groups), uint32(width), uint32(a.State / 4), quads(x), b, c, quads(a.From),
		quads(dst), has(a.D, 1), bits(a.Retain), bits(a.Insert),
	}
	variant, share := 0, 4 // quads of channels of a workgroup
	switch {
	case a.State > 128:
		variant, share = 2, 2
	case a.State > 64:
		variant = 1
	}
	s.dispatch("ssd", wgsl.SSDTile, wgsl.SSDTile.Variants[variant], params[:], uint32(ceil(width, share)), uint32(a.Heads), 1,
		bindTensor(x), work, bindTensor(a.A), bindTensor(a.D), bindTensor(a.From), bindTensor(a.To), bindTensor(dst))
}

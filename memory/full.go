package memory

import "github.com/lrun/lrun/backend"

// Full sees every token, or as many as the layer's own window holds.
type Full struct{ plain }

// String implements Policy.
func (Full) String() string { return "full: all tokens, in the layers' own windows" }

// Seen implements Policy.
func (Full) Seen(n int) int { return n }

// Span implements Policy.
func (Full) Span(n int) int { return n }

// Held implements Policy.
func (Full) Held(n int) int { return n }

func (Full) reach(window int) int { return window }

func (Full) view(v *backend.View, s *Sequence, n, window int) {
	v.Segments = append(v.Segments, s.last(n, window))
}

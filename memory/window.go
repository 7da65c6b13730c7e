package memory

import (
	"fmt"

	"github.com/lrun/lrun/backend"
)

// Window sees the last Size tokens, itself included. Without the first tokens of the text most models lose their footing
// past it: Sinks keeps them.
type Window struct {
	plain
	Size int
}

// String implements Policy.
func (w Window) String() string { return fmt.Sprintf("window: the last %d tokens", w.Size) }

// Check implements Policy.
func (w Window) Check() error {
	if w.Size < 1 {
		return fmt.Errorf("window: n_local %d: a query must see at least one token, itself", w.Size)
	}
	return nil
}

// Seen implements Policy.
func (w Window) Seen(n int) int { return min(n, w.Size) }

// Span implements Policy.
func (w Window) Span(n int) int { return min(n, w.Size) }

// Held implements Policy.
func (w Window) Held(n int) int { return min(n, w.Size) }

func (w Window) reach(window int) int { return least(w.Size, window) }

func (w Window) view(v *backend.View, s *Sequence, n, window int) {
	v.Segments = append(v.Segments, s.last(n, w.reach(window)))
}

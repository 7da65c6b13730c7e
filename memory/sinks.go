package memory

import (
	"fmt"

	"github.com/lrun/lrun/backend"
)

// Sinks is StreamingLLM (arXiv 2309.17453): a query sees the first Start tokens and the Recent before itself, all at their
// places among those that are left, as if the rest had never been. The recent ones' distances are the true ones, so only
// the query that sees the first ones is turned otherwise: to its place among the kept.
type Sinks struct {
	plain
	Start  int // start_size
	Recent int // recent_size, the query itself not counted
}

// String implements Policy.
func (k Sinks) String() string {
	return fmt.Sprintf("sinks: the first %d tokens and the %d before each, at their places among these", k.Start, k.Recent)
}

// Check implements Policy.
func (k Sinks) Check() error {
	if k.Start < 0 || k.Recent < 0 {
		return fmt.Errorf("sinks: start_size %d and recent_size %d, want at least 0", k.Start, k.Recent)
	}
	return nil
}

// Seen implements Policy.
func (k Sinks) Seen(n int) int { return min(n, k.Start+k.Recent+1) }

// Span implements Policy.
func (k Sinks) Span(n int) int { return min(n, k.Start+k.Recent+1) }

// Held implements Policy.
func (k Sinks) Held(n int) int { return k.Seen(n) }

// Sets implements Policy.
func (k Sinks) Sets(n int) int {
	if k.Start > 0 && !k.fits(n) {
		return 2
	}
	return 1
}

// fits reports whether n tokens are all seen.
func (k Sinks) fits(n int) bool { return n <= k.Start+k.Recent+1 }

// Turn implements Policy.
func (k Sinks) Turn(_, p int) int { return min(p, k.Start+k.Recent) }

func (k Sinks) starting() int { return k.Start }

func (k Sinks) reach(window int) int { return least(k.Recent+1, window) }

// step ends where the query's place among the kept stops to move, so that before it and after it all tokens of a step are
// alike.
func (k Sinks) step(at, n int) int {
	if full := k.Start + k.Recent + 1; at < full {
		return min(n, full-at)
	}
	return n
}

// view has a segment for each of the first tokens once the query's place is fixed: ALiBi asks for their distances.
func (k Sinks) view(v *backend.View, s *Sequence, n, window int) {
	if k.fits(s.len) {
		v.Segments = append(v.Segments, s.last(n, window))
		return
	}
	for i := range k.Start {
		if window == 0 || k.Start+k.Recent-i < window {
			v.Segments = append(v.Segments, backend.Segment{Pages: s.pages[i/Page : i/Page+1], First: i % Page, Count: 1, Pos: i,
				Query: 1, Distance: k.Start + k.Recent - i})
		}
	}
	recent := s.last(n, k.reach(window))
	if hidden := k.Start - recent.Pos; hidden > 0 { // those are seen as the first ones
		recent.First, recent.Count, recent.Pos = recent.First+hidden, recent.Count-hidden, k.Start
	}
	v.Segments = append(v.Segments, recent)
}

package memory

import "github.com/lrun/lrun/backend"

// Policy decides which of a sequence's tokens its queries see, and at what distance they appear.
type Policy interface {
	// String says it in words.
	String() string
	// Check says what is wrong with the policy's constants, or nil.
	Check() error
	// Seen is how many of n tokens the last one sees, in layers that see all.
	Seen(n int) int
	// Span is the largest distance between two of n tokens that see each other, and one more.
	Span(n int) int
	// Held is how many tokens' keys a sequence of n tokens keeps on the device in the long run, copies counted.
	Held(n int) int
	// Sets is how many differently turned copies of the queries the views of a sequence of n tokens ask for.
	Sets(n int) int
	// Turn is the position by which the query at position p is turned in a set above 0.
	Turn(set, p int) int
	// Recall is what a token that is read alone looks up in a sequence of n tokens, itself the last.
	Recall(n int) Recall
	// Chunk is how many tokens a step takes at most, whatever was asked for; 0: as asked for.
	Chunk() int
	// Alone reports whether the last token of a prompt is best read alone, since one token looks up what many do not.
	Alone() bool

	// page is how many tokens a page holds.
	page() int
	// starting is how many of the first tokens always stay.
	starting() int
	// raws is how many of the first tokens have a raw copy of their keys.
	raws() int
	// reach is how many of the last tokens a layer sees whose own window is window; 0 means all, in both.
	reach(window int) int
	// step is how many of n tokens may be read next where at are read already.
	step(at, n int) int
	// view sets v, which is empty, to what the last n tokens of s see in a layer whose own window is window.
	view(v *backend.View, s *Sequence, n, window int)
}

// Recall is a look-up of keys out of sight: the K of Count raw keys from position First on that match the query best, as
// if they all stood at one Distance.
type Recall struct {
	K        int // 0: none is looked up
	Layer    int // the first that looks up
	First    int
	Count    int
	Distance int
}

// plain is what most policies have in common.
type plain struct{}

// Check implements Policy.
func (plain) Check() error { return nil }

// Sets implements Policy.
func (plain) Sets(int) int { return 1 }

// Turn implements Policy.
func (plain) Turn(_, p int) int { return p }

// Recall implements Policy.
func (plain) Recall(int) Recall { return Recall{} }

// Chunk implements Policy.
func (plain) Chunk() int { return 0 }

// Alone implements Policy.
func (plain) Alone() bool { return false }

func (plain) page() int { return Page }

func (plain) starting() int { return 0 }

func (plain) raws() int { return 0 }

func (plain) step(_, n int) int { return n }

// least is the smaller window, where 0 means none.
func least(a, b int) int {
	if a == 0 || b == 0 {
		return max(a, b)
	}
	return min(a, b)
}

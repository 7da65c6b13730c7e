package memory

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/lrun/lrun/backend"
)

// SirLLM (Streaming Infinite Retentive LLM) keeps the tokens that surprised the model most: when the cache is full, the
// first tokens, those with the largest entropy −ln p, and the last ones stay, and stand at their places among the kept. Keys
// are kept raw as well, and turned to their new places when others leave, many at a time.
type SirLLM struct {
	plain
	Start       int     // start_size: first tokens that always stay
	EntropySize int     // entropy_size: places for the most surprising
	Recent      int     // recent_size: places for the last ones
	Decay       float64 // decay: multiplies the entropies of the kept whenever others leave; 1: nothing fades
}

// SirLLMFor has the paper's values as far as a model trained on so many tokens allows.
func SirLLMFor(trained int) SirLLM {
	return SirLLM{Start: 4, EntropySize: max(1, min(trained, 1024)-4), Decay: 1}
}

// String implements Policy.
func (l SirLLM) String() string {
	return fmt.Sprintf("sirllm: the first %d tokens, the %d most surprising and the last %d, entropies fading by %.3g", l.Start, l.EntropySize, l.Recent, l.Decay)
}

// Check implements Policy.
func (l SirLLM) Check() error {
	if l.Start < 0 || l.EntropySize < 0 || l.Recent < 0 || l.Size() < l.Start+2 {
		return fmt.Errorf("sirllm: start_size %d, entropy_size %d, recent_size %d: want at least 0, and 2 of the last two together",
			l.Start, l.EntropySize, l.Recent)
	}
	if !(l.Decay >= 0 && l.Decay <= 1) {
		return fmt.Errorf("sirllm: decay %v, want 0 to 1", l.Decay)
	}
	return nil
}

// Size is how many tokens the cache has places for.
func (l SirLLM) Size() int { return l.Start + l.EntropySize + l.Recent }

// Leaving is for how many new tokens room is made at a time.
func (l SirLLM) Leaving() int { return max(1, l.EntropySize/4) }

// Seen implements Policy.
func (l SirLLM) Seen(n int) int { return min(n, l.Size()) }

// Span implements Policy.
func (l SirLLM) Span(n int) int { return min(n, l.Size()) }

// Held implements Policy: turned and raw.
func (l SirLLM) Held(n int) int { return 2 * min(n, l.Size()) }

func (l SirLLM) raws() int { return math.MaxInt }

func (l SirLLM) reach(window int) int { return window }

func (l SirLLM) step(at, n int) int {
	if room := l.Size() - at; room > 0 {
		return min(n, room)
	}
	return min(n, l.Leaving())
}

func (l SirLLM) view(v *backend.View, s *Sequence, n, window int) {
	v.Segments = append(v.Segments, s.last(n, window))
}

// Kept are the places, rising, of the tokens that stay when room is made for m more; entropies are those of all tokens.
// The most surprising stay first, as many as entropy_size less m; then the first ones, and the last ones as long as there is
// room. Among equals the earlier stays.
func (l SirLLM) Kept(entropies []float64, m int) []int {
	order := make([]int, len(entropies))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(entropies[b], entropies[a]) })
	keep := make([]bool, len(entropies))
	count := 0
	add := func(i int) {
		if !keep[i] {
			keep[i] = true
			count++
		}
	}
	for _, i := range order[:min(len(order), max(0, l.EntropySize-m))] {
		add(i)
	}
	for i := range min(l.Start, len(keep)) {
		add(i)
	}
	for i := len(keep) - 1; i > 0 && count < l.Size()-m; i-- {
		add(i)
	}
	var places []int
	for i, k := range keep {
		if k {
			places = append(places, i)
		}
	}
	return places
}

// Moves are where kept tokens go: slots of their raw keys, where these go to, and where turned ones do.
type Moves struct{ From, ToRaw, To []uint32 }

// Keep drops all tokens but those at some places, rising, which then stand at places 0, 1, …: the next step must copy their
// raw keys, and turn them.
func (s *Sequence) Keep(places []int) (Moves, error) {
	var m Moves
	var pages, raw []uint32
	err := s.pool.takeFor(&pages, len(places))
	if err == nil {
		err = s.pool.takeFor(&raw, len(places))
	}
	if err != nil {
		s.pool.give(pages...)
		s.pool.give(raw...)
		return m, err
	}
	for _, p := range places {
		m.From = s.pool.slots(m.From, s.raw, p, p+1)
	}
	m.ToRaw, m.To = s.pool.slots(nil, raw, 0, len(places)), s.pool.slots(nil, pages, 0, len(places))
	s.drop(0, 0)
	s.pages, s.raw = pages, raw
	s.left += s.len - len(places)
	s.len, s.held = len(places), 0
	return m, nil
}

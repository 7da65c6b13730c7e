package memory

import (
	"slices"

	"github.com/lrun/lrun/backend"
)

// Sequence is the cache of one session: the tokens at positions 0 to Len−1, in pages of a pool. Of a long sequence only
// the tokens that a query to come may see are held.
type Sequence struct {
	pool   *Pool
	policy Policy
	pages  []uint32 // by position; gone where released
	raw    []uint32 // with raw keys, see rawAt; gone where they are kept elsewhere
	len    int      // places: positions that are taken
	left   int      // tokens that have no place any more
	held   int      // positions from here on are held, and the starting tokens
	blocks *blocks  // where the policy has them
	copies []Copy   // pages that were shared and are about to change

	history history // of the layers that have states
}

// Copy is a page of the pool, or of its representatives, whose first tokens must be copied before the next step.
type Copy struct {
	Reps     bool
	From, To uint32
	Tokens   int
}

// gone stands for a page that was given back.
const gone = ^uint32(0)

// slack is how many tokens more than needed are held, so that a few may be taken back.
const slack = 64

// NewSequence is an empty sequence in the pool.
func (p *Pool) NewSequence() (*Sequence, error) {
	s := &Sequence{pool: p, policy: p.policy, history: history{pool: p.states}}
	if l, ok := p.policy.(InfLLM); ok {
		b, err := newBlocks(p, l)
		if err != nil {
			return nil, err
		}
		s.blocks = b
	}
	return s, nil
}

// Fork is another sequence of the same tokens. They share their pages until one of them changes one. What a policy keeps
// on the device beside pages the caller copies: see Masses.
func (s *Sequence) Fork() (*Sequence, error) {
	f := &Sequence{pool: s.pool, policy: s.policy, len: s.len, left: s.left, held: s.held}
	f.pages, f.raw = slices.Clone(s.pages), slices.Clone(s.raw)
	if s.blocks != nil {
		b, err := s.blocks.fork()
		if err != nil {
			return nil, err
		}
		f.blocks = b
	}
	s.pool.keep(f.pages)
	s.pool.keep(f.raw)
	f.history = s.history.fork()
	return f, nil
}

// Release gives everything back; the sequence is dead then.
func (s *Sequence) Release() {
	s.Truncate(0)
	if s.blocks != nil {
		s.blocks.release()
		s.blocks = nil
	}
}

// Len is how many tokens the sequence has.
func (s *Sequence) Len() int { return s.len + s.left }

// Places is the position of the next token: Len, but where a policy moves those that it keeps together.
func (s *Sequence) Places() int { return s.len }

// Step is how many of n tokens may be read next in one step.
func (s *Sequence) Step(n int) int { return s.policy.step(s.len, n) }

// Extend adds n tokens, whose keys and values, and the states after them, the next step writes. On an error nothing has
// changed but that tokens which no query will see are no longer held.
func (s *Sequence) Extend(n int) error {
	s.forget()
	pages, raw := len(s.pages), len(s.raw)
	err := s.own(s.pages, s.len, false)
	if err == nil && s.len < s.policy.raws() {
		err = s.own(s.raw, s.rawAt(s.len), false)
	}
	if err == nil && s.blocks != nil {
		err = s.blocks.form(s)
	}
	if err == nil {
		err = s.pool.takeFor(&s.pages, s.len+n)
	}
	if err == nil {
		err = s.pool.takeFor(&s.raw, s.rawAt(min(s.len+n, s.policy.raws())))
	}
	if err == nil {
		err = s.history.extend(s.Len() + n)
	}
	if err != nil {
		s.drop(pages, raw)
		return err
	}
	s.len += n
	return nil
}

// own makes the page that the token at a place of a list goes to the sequence's own, where it shares it with others and
// has tokens in it before that place.
func (s *Sequence) own(list []uint32, at int, reps bool) error {
	pool := s.pool
	if reps {
		pool = pool.reps
	}
	i := at / pool.page
	if i >= len(list) || list[i] == gone || pool.refs[list[i]] == 1 {
		return nil
	}
	var copied []uint32
	if err := pool.take(&copied); err != nil {
		return err
	}
	s.copies = append(s.copies, Copy{Reps: reps, From: list[i], To: copied[0], Tokens: at % pool.page})
	pool.give(list[i])
	list[i] = copied[0]
	return nil
}

// Copies are the pages that must be copied before the next step; they are asked for once.
func (s *Sequence) Copies() []Copy {
	all := s.copies
	s.copies = nil
	return all
}

// rawAt is the place of the token at position j in the raw pages: the starting tokens take whole pages, so that blocks
// begin with one.
func (s *Sequence) rawAt(j int) int {
	start := s.policy.starting()
	if j < start {
		return j
	}
	return s.pool.pagesOf(start)*s.pool.page + j - start
}

// forget gives back the pages of which no query from Len on sees anything.
func (s *Sequence) forget() {
	reach := s.policy.reach(s.pool.window)
	if reach == 0 {
		return
	}
	first := s.pool.pagesOf(s.policy.starting())
	until := (s.len - reach - slack) / s.pool.page
	for i := max(first, s.held/s.pool.page); i < until; i++ {
		s.pool.give(s.pages[i])
		s.pages[i] = gone
		s.held = (i + 1) * s.pool.page
	}
}

// Truncate forgets the tokens from position n on, and more of them where layers have states, but not one of n tokens. Where
// tokens that the ones before need are no longer held, it forgets all: Len says how many are left.
func (s *Sequence) Truncate(n int) {
	if n >= s.Len() {
		return
	}
	n = max(0, s.history.latest(n)-s.left)
	if s.held > 0 && n-s.policy.reach(s.pool.window) < s.held {
		n = 0
	}
	if s.blocks != nil && !s.blocks.unform(s, n) {
		n = 0
		s.blocks.unform(s, 0)
	}
	if n == 0 {
		s.held, s.left = 0, 0
	}
	s.len = n
	s.history.truncate(s.Len())
	s.drop(s.pool.pagesOf(n), s.pool.pagesOf(s.rawAt(min(n, s.policy.raws()))))
}

// drop gives pages back to the pool: the ones past the first pages, and of the raw ones past the first raw.
func (s *Sequence) drop(pages, raw int) {
	s.pool.give(s.pages[pages:]...)
	s.pool.give(s.raw[raw:]...)
	s.pages, s.raw = s.pages[:pages], s.raw[:raw]
}

// Slots appends the cache slots of the tokens at positions from to to−1 to dst.
func (s *Sequence) Slots(dst []uint32, from, to int) []uint32 {
	return s.pool.slots(dst, s.pages, from, to)
}

// Raw is how many of the tokens from position from on get a raw copy of their keys.
func (s *Sequence) Raw(from int) int { return max(0, min(s.len, s.policy.raws())-from) }

// RawSlots appends the slots of the raw copies of the tokens at positions from to to−1 to dst.
func (s *Sequence) RawSlots(dst []uint32, from, to int) []uint32 {
	for j := from; j < to; j++ {
		dst = s.pool.slots(dst, s.raw, s.rawAt(j), s.rawAt(j)+1)
	}
	return dst
}

// Held calls yield with runs of positions, from and to, that are held and lie before position n.
func (s *Sequence) Held(n int, yield func(from, to int)) {
	if start := min(n, s.policy.starting(), s.held); start > 0 {
		yield(0, start)
	}
	if s.held < n {
		yield(s.held, n)
	}
}

// View sets v to what the last n tokens see as queries in a layer whose own window is window tokens; 0 means no window.
// The view borrows the sequence's page lists; v's own memory is reused.
func (s *Sequence) View(v *backend.View, n, window int) {
	v.Pos = s.len - n
	v.Segments = v.Segments[:0]
	s.policy.view(v, s, n, window)
}

// Recall is what the last token looks up, if it is read alone in this step.
func (s *Sequence) Recall() Recall { return s.policy.Recall(s.len) }

// Middle sets v to the keys of a look-up.
func (s *Sequence) Middle(v *backend.View, r Recall) {
	v.Segments = append(v.Segments[:0], s.rawRun(r.First, r.First+r.Count))
}

// Recalled adds to v the keys that were looked up: the last token sees them with query set 2.
func (s *Sequence) Recalled(v *backend.View, r Recall) {
	v.Segments = append(v.Segments, backend.Segment{Pages: s.pool.recalled, Count: r.K, Query: 2, Distance: r.Distance})
}

// last is the segment of the last tokens: those that the last n see when each sees window tokens, itself included.
func (s *Sequence) last(n, window int) backend.Segment {
	first := 0
	if window > 0 {
		first = max(0, s.len-n-window+1)
	}
	return backend.Segment{
		Pages:  s.pages[first/s.pool.page:],
		First:  first % s.pool.page,
		Count:  s.len - first,
		Pos:    first,
		Causal: true,
		Window: window,
	}
}

// rawRun is the segment of the raw copies of the tokens at positions from to to−1, without edges; the starting tokens or
// those after them.
func (s *Sequence) rawRun(from, to int) backend.Segment {
	at := s.rawAt(from)
	first, count := at/s.pool.page, max(0, to-from)
	return backend.Segment{Pages: s.raw[first : first+s.pool.pagesOf(at%s.pool.page+count)], First: at % s.pool.page, Count: count, Pos: from}
}

package memory

import "github.com/lrun/lrun/backend"

// Sequence is the cache of one session: the tokens at positions 0 to Len−1, in pages of a pool.
type Sequence struct {
	pool  *Pool
	pages []uint32
	len   int
}

// NewSequence is an empty sequence in the pool.
func (p *Pool) NewSequence() *Sequence { return &Sequence{pool: p} }

// Len is how many tokens the sequence holds.
func (s *Sequence) Len() int { return s.len }

// Extend adds n tokens, whose keys and values the next step writes. On an error nothing has changed.
func (s *Sequence) Extend(n int) error {
	had := len(s.pages)
	for len(s.pages)*Page < s.len+n {
		page, err := s.pool.take()
		if err != nil {
			s.drop(had)
			return err
		}
		s.pages = append(s.pages, page)
	}
	s.len += n
	return nil
}

// Truncate forgets the tokens from position n on.
func (s *Sequence) Truncate(n int) {
	if n >= s.len {
		return
	}
	s.len = n
	s.drop((n + Page - 1) / Page)
}

// drop gives the pages from number n on back to the pool.
func (s *Sequence) drop(n int) {
	s.pool.free = append(s.pool.free, s.pages[n:]...)
	s.pages = s.pages[:n]
}

// Slots appends the cache slots of the last n tokens to dst.
func (s *Sequence) Slots(dst []uint32, n int) []uint32 {
	for i := s.len - n; i < s.len; i++ {
		dst = append(dst, s.pages[i/Page]*Page+uint32(i%Page))
	}
	return dst
}

// View sets v to what the last n tokens see as queries: all tokens up to themselves or, with a window above 0, the last
// window of them, themselves included. The view borrows the sequence's page list; v's own memory is reused.
func (s *Sequence) View(v *backend.View, n, window int) {
	v.Pos = s.len - n
	first := 0
	if window > 0 {
		first = max(0, v.Pos-window+1)
	}
	v.Segments = append(v.Segments[:0], backend.Segment{
		Pages:  s.pages[first/Page:],
		First:  first % Page,
		Count:  s.len - first,
		Pos:    first,
		Causal: true,
		Window: window,
	})
}

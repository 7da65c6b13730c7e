package lrun

import "strings"

// stopper holds tokens back while the end of the text could be the beginning of a stop text.
type stopper struct {
	texts []string
	held  []Token
	ready []Token // what push returned last
}

// push takes a token and returns those that are certain, until the next push, and whether a stop text has come. The token in
// which it begins is cut there, and those after it have no text. With last nothing is held back any more.
func (s *stopper) push(t Token, last bool) (ready []Token, stopped bool) {
	s.held = append(s.held, t)
	text := s.text()
	if at := s.find(text); at >= 0 {
		return s.release(len(s.held), at), true
	}
	if last {
		return s.release(len(s.held), len(text)), false
	}
	certain, n := len(text)-s.partial(text), 0
	for end := 0; n < len(s.held); n++ {
		if end += len(s.held[n].Text); end > certain {
			break
		}
	}
	return s.release(n, len(text)), false
}

// text is the text of the held tokens.
func (s *stopper) text() string {
	if len(s.held) == 1 {
		return s.held[0].Text
	}
	var b strings.Builder
	for _, t := range s.held {
		b.WriteString(t.Text)
	}
	return b.String()
}

// find is where the first stop text begins in text, or −1.
func (s *stopper) find(text string) int {
	first := -1
	for _, stop := range s.texts {
		if at := strings.Index(text, stop); at >= 0 && (first < 0 || at < first) {
			first = at
		}
	}
	return first
}

// partial is the length of the longest end of text that begins a stop text.
func (s *stopper) partial(text string) int {
	longest := 0
	for _, stop := range s.texts {
		for n := min(len(stop)-1, len(text)); n > longest; n-- {
			if strings.HasSuffix(text, stop[:n]) {
				longest = n
			}
		}
	}
	return longest
}

// release is the first n held tokens, their text cut off at byte end of all.
func (s *stopper) release(n, end int) []Token {
	s.ready = append(s.ready[:0], s.held[:n]...)
	s.held = append(s.held[:0], s.held[n:]...)
	for i := range s.ready {
		text := s.ready[i].Text
		s.ready[i].Text = text[:min(max(0, end), len(text))]
		end -= len(text)
	}
	return s.ready
}

package tokenizer

import "fmt"

// behavior is what becomes of the matches of a split: whether they are dropped, stand alone or join a neighbour.
type behavior int

const (
	removed behavior = iota
	isolated
	contiguous // neighbouring matches form one word
	mergedWithPrevious
	mergedWithNext
)

func parseBehavior(path, name, absent string) (behavior, error) {
	if name == "" {
		name = absent
	}
	switch name {
	case "Removed":
		return removed, nil
	case "Isolated":
		return isolated, nil
	case "Contiguous":
		return contiguous, nil
	case "MergedWithPrevious":
		return mergedWithPrevious, nil
	case "MergedWithNext":
		return mergedWithNext, nil
	}
	return 0, fmt.Errorf("%s.behavior: %q is not supported", path, name)
}

// newSplit makes the Split pre-tokenizer.
func newSplit(path string, s preTokenizerSpec) (preTokenizer, error) {
	if s.Pattern == nil {
		return nil, fmt.Errorf("%s.pattern: missing; a Split needs one", path)
	}
	how, err := parseBehavior(path, s.Behavior, "")
	if err != nil {
		return nil, err
	}
	// The scanners cover the whole text with matches: isolated, and the inverted removal of what is no match, are
	// the plain list of words.
	if scan := knownScanner(s.Pattern.regex); scan != nil && (how == isolated || how == removed && s.Invert) {
		return scanWords(scan), nil
	}
	find, err := s.Pattern.finder(path)
	if err != nil {
		return nil, err
	}
	return func(p piece, out emit) error {
		j := &joiner{p: p, how: how, out: out}
		done := 0
		err := find(p.text, func(start, end int) {
			if start > done {
				j.add(done, start, s.Invert)
			}
			j.add(start, end, !s.Invert)
			done = end
		})
		if err != nil {
			return err
		}
		if done < len(p.text) {
			j.add(done, len(p.text), s.Invert)
		}
		return j.close()
	}, nil
}

// splitRunes splits at the characters that is accepts.
func splitRunes(p piece, is func(rune) bool, how behavior, out emit) error {
	j := &joiner{p: p, how: how, out: out}
	start, matching := 0, false
	for i, r := range p.text {
		match := is(r)
		// A stretch of non-matches is one part; matches are parts of one character each.
		if i > start && (match || matching) {
			j.add(start, i, matching)
			start = i
		}
		matching = match
	}
	if start < len(p.text) {
		j.add(start, len(p.text), matching)
	}
	return j.close()
}

// joiner turns the alternating matches and non-matches of a split into words, as the behavior says.
type joiner struct {
	p       piece
	how     behavior
	out     emit
	start   int // the word that may still grow: text[start:end], none when end is 0
	end     int
	matched bool // the last part was a match
	err     error
}

// add appends the part text[start:end].
func (j *joiner) add(start, end int, match bool) {
	joins := false
	switch j.how {
	case removed:
		if match {
			j.flush()
			j.matched = true
			return
		}
	case contiguous:
		joins = match == j.matched
	case mergedWithPrevious:
		joins = match && !j.matched
	case mergedWithNext:
		joins = !match && j.matched
	}
	j.matched = match
	if joins && j.end > 0 {
		j.end = end
		return
	}
	j.flush()
	j.start, j.end = start, end
}

func (j *joiner) flush() {
	if j.end > 0 && j.err == nil {
		j.err = j.out(piece{j.p.text[j.start:j.end], j.p.first && j.start == 0})
	}
	j.end = 0
}

func (j *joiner) close() error {
	j.flush()
	return j.err
}

package tokenizer

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// byteLevelStage turns visible characters back into bytes. A token with a character that stands for no byte, such as
// an added token with a space, is taken as it is.
type byteLevelStage struct {
	pending []byte // the beginning of a character
	buffer  []byte
	started bool
}

func (s *byteLevelStage) push(f fragment, out sink) {
	pending, ok := byteLevelDecode(s.pending, f.text)
	if !ok {
		pending = append(s.pending, f.text...)
	}
	s.emit(pending, true, out)
}

func (s *byteLevelStage) flush(out sink) {
	if len(s.pending) > 0 {
		s.emit(s.pending, false, out)
	}
}

func (s *byteLevelStage) emit(data []byte, hold bool, out sink) {
	text, rest := appendLossy(s.buffer[:0], data, hold)
	s.buffer = text
	s.pending = append(s.pending[:0], rest...)
	out(fragment{string(text), s.started})
	s.started = true
}

// byteFallbackStage joins byte tokens <0x00> .. <0xFF> to characters. A byte that belongs to none becomes U+FFFD.
type byteFallbackStage struct {
	pending []byte // the beginning of a character
	running bool   // the token before was a byte as well
}

func (s *byteFallbackStage) push(f fragment, out sink) {
	b, ok := parseByteToken(f)
	if !ok {
		s.flush(out)
		out(f)
		return
	}
	s.pending = append(s.pending, b)
	s.emit(true, out)
}

func (s *byteFallbackStage) flush(out sink) {
	s.emit(false, out)
	s.running = false
}

func (s *byteFallbackStage) emit(hold bool, out sink) {
	for len(s.pending) > 0 && !(hold && !utf8.FullRune(s.pending)) {
		r, size := utf8.DecodeRune(s.pending)
		out(fragment{string(r), s.running})
		s.pending = s.pending[size:]
		s.running = true
	}
}

func parseByteToken(f fragment) (byte, bool) {
	if f.joined || len(f.text) != len("<0x00>") || !strings.HasPrefix(f.text, "<0x") || f.text[5] != '>' {
		return 0, false
	}
	b, err := strconv.ParseUint(f.text[3:5], 16, 8)
	return byte(b), err == nil
}

// stripStage takes up to start and stop times content off the ends of each token.
type stripStage struct {
	content     string
	start, stop int
	left        int // how many may still go from the beginning of this token
	held        int // how many are held back at its end, in case it ends there
}

func (s *stripStage) push(f fragment, out sink) {
	if !f.joined {
		s.held, s.left = 0, s.start
	}
	for s.left > 0 && f.text != "" {
		rest, found := strings.CutPrefix(f.text, s.content)
		if !found {
			s.left = 0
			break
		}
		f.text = rest
		s.left--
	}
	f.text = strings.Repeat(s.content, s.held) + f.text
	for s.held = 0; s.held < s.stop; s.held++ {
		rest, found := strings.CutSuffix(f.text, s.content)
		if !found {
			break
		}
		f.text = rest
	}
	out(f)
}

func (s *stripStage) flush(sink) { s.held = 0 }

// suffixStage writes the end-of-word suffix as a space, but not at the end of the text.
type suffixStage struct {
	suffix string
	held   string // the last token from its first suffix on
}

func (s *suffixStage) push(f fragment, out sink) {
	f.text = strings.ReplaceAll(s.held, s.suffix, " ") + f.text
	s.held = ""
	if at := strings.Index(f.text, s.suffix); at >= 0 && s.suffix != "" {
		s.held = f.text[at:]
		f.text = f.text[:at]
	}
	out(f)
}

func (s *suffixStage) flush(out sink) {
	out(fragment{strings.ReplaceAll(s.held, s.suffix, ""), true})
	s.held = ""
}

// replaceStage replaces a literal in each token.
type replaceStage struct {
	pattern, content string
	held             string // the end of the last fragment, which begins the pattern
}

func (s *replaceStage) push(f fragment, out sink) {
	if !f.joined {
		s.flush(out)
	}
	text := s.held + f.text
	rest := text
	for found := true; found; {
		if _, after, ok := strings.Cut(rest, s.pattern); ok {
			rest = after
		} else {
			found = false
		}
	}
	s.held = ""
	for n := min(len(rest), len(s.pattern)-1); n > 0; n-- {
		if strings.HasPrefix(s.pattern, rest[len(rest)-n:]) {
			s.held = rest[len(rest)-n:]
			break
		}
	}
	f.text = strings.ReplaceAll(text[:len(text)-len(s.held)], s.pattern, s.content)
	out(f)
}

func (s *replaceStage) flush(out sink) {
	if s.held != "" {
		out(fragment{s.held, true})
		s.held = ""
	}
}

// regexStage replaces a regular expression in each token, for which it needs the token as a whole.
type regexStage struct {
	replace normalizer
	held    strings.Builder
	open    bool
}

func (s *regexStage) push(f fragment, out sink) {
	if !f.joined {
		s.flush(out)
	}
	s.held.WriteString(f.text)
	s.open = true
}

func (s *regexStage) flush(out sink) {
	if !s.open {
		return
	}
	text := s.held.String()
	s.held.Reset()
	s.open = false
	// An expression that takes too long on a token leaves it as it is: decoding has no error to return.
	if replaced, err := s.replace(text); err == nil {
		text = replaced
	}
	out(fragment{text: text})
}

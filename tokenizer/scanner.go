package tokenizer

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// scanner cuts text into words by hand, for the split expressions that nearly all byte-level tokenizers share. It
// stands for the expression it is looked up by, and tests hold it to that. Every byte of a text lies in some word.
type scanner struct {
	digits   int  // most digits in a word
	newlines bool // the cl100k family: line breaks end words, any one symbol may lead a word
	marks    bool // combining marks count as letters
	slash    bool // a slash may follow symbols as line breaks may
	cased    bool // the o200k family: words break where lower case turns to upper case
}

// The split expressions, as they stand in tokenizer files.
const (
	splitGPT2    = `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
	splitGPT2Alt = `'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
	splitLlama3  = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	splitCL100K  = `'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+`
	splitQwen2   = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	splitQwen3M  = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	splitO200K   = `[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`
)

// unbounded is more digits than a text can hold.
const unbounded = 1 << 40

var scanners = map[string]*scanner{
	splitGPT2:    {digits: unbounded},
	splitGPT2Alt: {digits: unbounded},
	splitLlama3:  {digits: 3, newlines: true},
	splitCL100K:  {digits: 3, newlines: true},
	splitQwen2:   {digits: 1, newlines: true},
	splitQwen3M:  {digits: 1, newlines: true, marks: true},
	splitO200K:   {digits: 3, newlines: true, cased: true, slash: true},
}

// knownScanner is the scanner that stands for a split expression, nil when there is none.
func knownScanner(expr string) *scanner { return scanners[expr] }

// each is the scanner as an eachMatch.
func (s *scanner) each(text string, found func(start, end int)) error {
	for i := 0; i < len(text); {
		end := s.next(text, i)
		found(i, end)
		i = end
	}
	return nil
}

// next is the end of the word that begins at i.
func (s *scanner) next(text string, i int) int {
	if !s.newlines {
		return s.nextGPT2(text, i)
	}
	if s.cased {
		if end := casedWord(text, i); end > i {
			return end
		}
	} else {
		if end := contraction(text, i, true); end > i {
			return end
		}
		if end := s.ledWord(text, i); end > i {
			return end
		}
	}
	switch class, size := s.classAt(text, i); class {
	case number:
		end := i + size
		for n := 1; n < s.digits; n++ {
			class, size := s.classAt(text, end)
			if class != number {
				break
			}
			end += size
		}
		return end
	case symbol:
		return s.symbols(text, i)
	}
	if text[i] == ' ' && i+1 < len(text) {
		if class, _ := s.classAt(text, i+1); class == symbol {
			return s.symbols(text, i+1)
		}
	}
	end := s.run(text, i, space)
	if at := strings.LastIndexAny(text[i:end], "\r\n"); at >= 0 {
		return i + at + 1
	}
	return spaces(text, i, end)
}

// nextGPT2 is next for the expression of GPT-2.
func (s *scanner) nextGPT2(text string, i int) int {
	if end := contraction(text, i, false); end > i {
		return end
	}
	start := i
	if text[i] == ' ' && i+1 < len(text) {
		start++
	}
	if class, size := s.classAt(text, start); class != space {
		return s.run(text, start+size, class)
	}
	return spaces(text, i, s.run(text, i, space))
}

// ledWord is the end of a run of letters with at most one leading symbol or space that is no line break.
func (s *scanner) ledWord(text string, i int) int {
	class, size := s.classAt(text, i)
	if class == letter {
		return s.run(text, i+size, letter)
	}
	if class == number || text[i] == '\r' || text[i] == '\n' {
		return i
	}
	if class, next := s.classAt(text, i+size); class == letter {
		return s.run(text, i+size+next, letter)
	}
	return i
}

// symbols is the end of a run of symbols and of the line breaks behind it.
func (s *scanner) symbols(text string, i int) int {
	i = s.run(text, i, symbol)
	for i < len(text) && (text[i] == '\r' || text[i] == '\n' || s.slash && text[i] == '/') {
		i++
	}
	return i
}

// spaces splits a run of white space text[i:end]: its last character goes to the word that follows, if one does.
func spaces(text string, i, end int) int {
	if end == len(text) {
		return end
	}
	_, size := utf8.DecodeLastRuneInString(text[i:end])
	if end-size == i {
		return end
	}
	return end - size
}

// contraction is the end of 's, 't, 're, 've, 'm, 'll or 'd at i, else i. Folded, it takes capitals too, and the long
// ſ, as Oniguruma's case folding does.
func contraction(text string, i int, fold bool) int {
	if text[i] != '\'' || i+1 >= len(text) {
		return i
	}
	a, b := text[i+1], byte(0)
	if i+2 < len(text) {
		b = text[i+2]
	}
	if fold {
		if strings.HasPrefix(text[i+1:], "ſ") {
			return i + 1 + len("ſ")
		}
		a, b = lowerASCII(a), lowerASCII(b)
	}
	switch {
	case a == 's', a == 't', a == 'm', a == 'd':
		return i + 2
	case a == 'r' && b == 'e', a == 'v' && b == 'e', a == 'l' && b == 'l':
		return i + 3
	}
	return i
}

func lowerASCII(b byte) byte {
	if 'A' <= b && b <= 'Z' {
		return b + 'a' - 'A'
	}
	return b
}

// The classes that split expressions tell apart.
const (
	symbol = iota // [^\s\p{L}\p{N}]
	letter        // \p{L}
	number        // \p{N}
	space         // \s
)

var asciiClass = func() (table [utf8.RuneSelf]uint8) {
	for r := range table {
		table[r] = classOf(rune(r))
	}
	return table
}()

func classOf(r rune) uint8 {
	switch {
	case unicode.IsLetter(r):
		return letter
	case unicode.IsNumber(r):
		return number
	case unicode.IsSpace(r):
		return space
	}
	return symbol
}

// classAt is the class and the size of the character at i; at the end of the text it is a space of size 0.
func (s *scanner) classAt(text string, i int) (class uint8, size int) {
	if i >= len(text) {
		return space, 0
	}
	if b := text[i]; b < utf8.RuneSelf {
		return asciiClass[b], 1
	}
	r, size := utf8.DecodeRuneInString(text[i:])
	class = classOf(r)
	if s.marks && class == symbol && unicode.IsMark(r) {
		class = letter
	}
	return class, size
}

// run is the end of the run of one class that begins at i.
func (s *scanner) run(text string, i int, class uint8) int {
	for i < len(text) {
		if b := text[i]; b < utf8.RuneSelf {
			if asciiClass[b] != class {
				return i
			}
			i++
			continue
		}
		c, size := s.classAt(text, i)
		if c != class {
			return i
		}
		i += size
	}
	return i
}

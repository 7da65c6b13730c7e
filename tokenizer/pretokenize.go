package tokenizer

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// piece is a stretch of normalized text on its way to become words.
type piece struct {
	text  string
	first bool // it stands at the very beginning of the text
}

// emit takes one word; an error ends the split.
type emit func(p piece) error

// preTokenizer cuts a piece into words, none of them empty, and may rewrite them.
type preTokenizer func(p piece, out emit) error

// preTokenizerSpec holds the fields of every pre-tokenizer type of tokenizer.json.
type preTokenizerSpec struct {
	Type             string            `json:"type"`
	Pretokenizers    []json.RawMessage `json:"pretokenizers"`
	Pattern          *pattern          `json:"pattern"`
	Behavior         string            `json:"behavior"`
	Invert           bool              `json:"invert"`
	AddPrefixSpace   *bool             `json:"add_prefix_space"`
	UseRegex         *bool             `json:"use_regex"`
	Replacement      string            `json:"replacement"`
	PrependScheme    string            `json:"prepend_scheme"`
	Split            *bool             `json:"split"`
	IndividualDigits bool              `json:"individual_digits"`
	Delimiter        string            `json:"delimiter"`
	Length           int               `json:"length"`
}

// parsePreTokenizer reads the section at path. bytes says that the last step was a byte-level mapping, which is left
// to the model: BPE works on the raw bytes.
func parsePreTokenizer(path string, data json.RawMessage, bytes bool) (steps []preTokenizer, mapped bool, err error) {
	if isNull(data) {
		return nil, false, nil
	}
	var s preTokenizerSpec
	if err := decodeSection(path, data, &s); err != nil {
		return nil, false, err
	}
	switch s.Type {
	case "Sequence":
		for i, section := range s.Pretokenizers {
			last := i == len(s.Pretokenizers)-1
			more, m, err := parsePreTokenizer(fmt.Sprintf("%s.pretokenizers[%d]", path, i), section, bytes && last)
			if err != nil {
				return nil, false, err
			}
			steps = append(steps, more...)
			mapped = m
		}
		return steps, mapped, nil
	case "ByteLevel":
		if s.AddPrefixSpace == nil || *s.AddPrefixSpace {
			steps = append(steps, prefixSpace)
		}
		if s.UseRegex == nil || *s.UseRegex {
			steps = append(steps, scanWords(knownScanner(splitGPT2)))
		}
		if bytes {
			return steps, true, nil
		}
		return append(steps, func(p piece, out emit) error {
			return out(piece{byteLevelEncode(p.text), p.first})
		}), false, nil
	}
	step, err := parseSimplePreTokenizer(path, s)
	if err != nil {
		return nil, false, err
	}
	return []preTokenizer{step}, false, nil
}

func parseSimplePreTokenizer(path string, s preTokenizerSpec) (preTokenizer, error) {
	switch s.Type {
	case "BertPreTokenizer":
		return func(p piece, out emit) error {
			return splitSpaces(p, func(p piece) error { return splitRunes(p, isPunctuation, isolated, out) })
		}, nil
	case "Whitespace":
		return splitWordsAndSymbols, nil
	case "WhitespaceSplit":
		return splitSpaces, nil
	case "Metaspace":
		m, err := newMetaspace(path, s)
		if err != nil {
			return nil, err
		}
		return m.split, nil
	case "Digits":
		how := contiguous
		if s.IndividualDigits {
			how = isolated
		}
		return func(p piece, out emit) error { return splitRunes(p, unicode.IsNumber, how, out) }, nil
	case "Punctuation":
		how, err := parseBehavior(path, s.Behavior, "Isolated")
		if err != nil {
			return nil, err
		}
		return func(p piece, out emit) error { return splitRunes(p, isPunctuation, how, out) }, nil
	case "CharDelimiterSplit":
		delimiter, size := utf8.DecodeRuneInString(s.Delimiter)
		if size == 0 || size < len(s.Delimiter) {
			return nil, fmt.Errorf("%s.delimiter: want one character, found %q", path, s.Delimiter)
		}
		is := func(r rune) bool { return r == delimiter }
		return func(p piece, out emit) error { return splitRunes(p, is, removed, out) }, nil
	case "FixedLength":
		if s.Length < 1 {
			return nil, fmt.Errorf("%s.length: want at least 1, found %d", path, s.Length)
		}
		return func(p piece, out emit) error { return splitLength(p, s.Length, out) }, nil
	case "Split":
		return newSplit(path, s)
	}
	return nil, fmt.Errorf("%s.type: %q is not supported", path, s.Type)
}

// chain runs steps one after the other.
func chain(steps []preTokenizer, p piece, out emit) error {
	if p.text == "" {
		return nil
	}
	if len(steps) == 0 {
		return out(p)
	}
	if len(steps) == 1 {
		return steps[0](p, out)
	}
	return steps[0](p, func(p piece) error { return chain(steps[1:], p, out) })
}

func prefixSpace(p piece, out emit) error {
	if !strings.HasPrefix(p.text, " ") {
		p.text = " " + p.text
	}
	return out(p)
}

func scanWords(s *scanner) preTokenizer {
	return func(p piece, out emit) error {
		for i := 0; i < len(p.text); {
			end := s.next(p.text, i)
			if err := out(piece{p.text[i:end], p.first && i == 0}); err != nil {
				return err
			}
			i = end
		}
		return nil
	}
}

func splitSpaces(p piece, out emit) error { return splitRunes(p, unicode.IsSpace, removed, out) }

// splitWordsAndSymbols keeps runs of word characters and runs of symbols.
func splitWordsAndSymbols(p piece, out emit) error {
	return splitSpaces(p, func(p piece) error { return splitRunes(p, isWord, contiguous, out) })
}

func splitLength(p piece, length int, out emit) error {
	start, count := 0, 0
	for i := range p.text {
		if count == length {
			if err := out(piece{p.text[start:i], p.first && start == 0}); err != nil {
				return err
			}
			start, count = i, 0
		}
		count++
	}
	return out(piece{p.text[start:], p.first && start == 0})
}

package tokenizer

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// fragment is a token, or a part of one, on its way to become text.
type fragment struct {
	text   string
	joined bool // continues the token of the fragment before
}

// sink takes the fragments that a stage puts out.
type sink func(f fragment)

// stage is one decoder at work on one text. It holds back only what a later token could still change.
type stage interface {
	push(f fragment, out sink)
	flush(out sink)
}

// decoder begins a stage.
type decoder func() stage

// decoderSpec holds the fields of every decoder type of tokenizer.json.
type decoderSpec struct {
	preTokenizerSpec
	Decoders []json.RawMessage `json:"decoders"`
	Prefix   *string           `json:"prefix"`
	Suffix   *string           `json:"suffix"`
	Cleanup  *bool             `json:"cleanup"`
	Content  string            `json:"content"`
	Start    int               `json:"start"`
	Stop     int               `json:"stop"`
}

// parseDecoder reads the section at path. Without one, tokens are joined with spaces.
func parseDecoder(path string, data json.RawMessage) ([]decoder, error) {
	if isNull(data) {
		return []decoder{func() stage { return &spaceStage{} }}, nil
	}
	decoders, err := parseDecoders(path, data)
	if err == nil && len(decoders) == 0 {
		decoders = []decoder{func() stage { return &fuseStage{} }}
	}
	return decoders, err
}

func parseDecoders(path string, data json.RawMessage) ([]decoder, error) {
	var s decoderSpec
	if err := decodeSection(path, data, &s); err != nil {
		return nil, err
	}
	if s.Type != "Sequence" {
		d, err := newDecoder(path, s)
		return []decoder{d}, err
	}
	var all []decoder
	for i, section := range s.Decoders {
		some, err := parseDecoders(fmt.Sprintf("%s.decoders[%d]", path, i), section)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
}

func newDecoder(path string, s decoderSpec) (decoder, error) {
	switch s.Type {
	case "ByteLevel":
		return func() stage { return &byteLevelStage{} }, nil
	case "ByteFallback":
		return func() stage { return &byteFallbackStage{} }, nil
	case "Fuse":
		return func() stage { return &fuseStage{} }, nil
	case "Metaspace":
		m, err := newMetaspace(path, s.preTokenizerSpec)
		return func() stage { return &metaspaceStage{m: m} }, err
	case "WordPiece":
		prefix, cleanup := "##", s.Cleanup == nil || *s.Cleanup
		if s.Prefix != nil {
			prefix = *s.Prefix
		}
		return func() stage { return &wordPieceStage{prefix: prefix, cleanup: cleanup} }, nil
	case "BPEDecoder":
		suffix := "</w>"
		if s.Suffix != nil {
			suffix = *s.Suffix
		}
		return func() stage { return &suffixStage{suffix: suffix} }, nil
	case "Strip":
		if utf8.RuneCountInString(s.Content) != 1 || s.Start < 0 || s.Stop < 0 || s.Stop > maxStrip {
			return nil, fmt.Errorf("%s: want content of one character and start and stop of 0 to %d, found %q, %d, %d",
				path, maxStrip, s.Content, s.Start, s.Stop)
		}
		return func() stage { return &stripStage{content: s.Content, start: s.Start, stop: s.Stop} }, nil
	case "Replace":
		return newReplace(path, s)
	}
	return nil, fmt.Errorf("%s.type: %q is not supported", path, s.Type)
}

// maxStrip bounds the text that a Strip decoder holds back.
const maxStrip = 1 << 10

func newReplace(path string, s decoderSpec) (decoder, error) {
	if s.Pattern == nil {
		return nil, fmt.Errorf("%s.pattern: missing; a Replace decoder needs one", path)
	}
	if s.Pattern.regex == "" {
		if s.Pattern.literal == "" {
			return func() stage { return &passStage{} }, nil
		}
		return func() stage { return &replaceStage{pattern: s.Pattern.literal, content: s.Content} }, nil
	}
	replace, err := s.Pattern.replacer(path, s.Content)
	return func() stage { return &regexStage{replace: replace} }, err
}

// passStage changes nothing.
type passStage struct{}

func (passStage) push(f fragment, out sink) { out(f) }
func (passStage) flush(sink)                {}

// fuseStage makes one token of all.
type fuseStage struct {
	passStage
	started bool
}

func (s *fuseStage) push(f fragment, out sink) {
	out(fragment{f.text, s.started})
	s.started = true
}

// spaceStage puts a space between tokens.
type spaceStage struct {
	passStage
	started bool
}

func (s *spaceStage) push(f fragment, out sink) {
	if s.started && !f.joined {
		f.text = " " + f.text
	}
	s.started = true
	out(f)
}

// metaspaceStage writes the visible space as a space and drops it from the first token.
type metaspaceStage struct {
	passStage
	m      *metaspace
	tokens int
}

func (s *metaspaceStage) push(f fragment, out sink) {
	if !f.joined {
		s.tokens++
	}
	space := " "
	if s.tokens == 1 && s.m.prepend != "never" {
		space = ""
	}
	f.text = strings.ReplaceAll(f.text, s.m.replacement, space)
	out(f)
}

// wordPieceStage joins the pieces of words and puts spaces between words.
type wordPieceStage struct {
	passStage
	prefix  string
	cleanup bool
	started bool
}

func (s *wordPieceStage) push(f fragment, out sink) {
	if s.started && !f.joined {
		if rest, inside := strings.CutPrefix(f.text, s.prefix); inside {
			f.text = rest
		} else {
			f.text = " " + f.text
		}
	}
	s.started = true
	if s.cleanup {
		for _, c := range englishCleanup {
			f.text = strings.ReplaceAll(f.text, c[0], c[1])
		}
	}
	out(f)
}

// englishCleanup is applied in this order, each on the result of the one before.
var englishCleanup = [][2]string{
	{" .", "."}, {" ?", "?"}, {" !", "!"}, {" ,", ","}, {" ' ", "'"}, {" n't", "n't"}, {" 'm", "'m"},
	{" do not", " don't"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"},
}

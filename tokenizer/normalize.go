package tokenizer

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// normalizer rewrites a text before it is split into words.
type normalizer func(text string) (string, error)

// infallible makes a normalizer of a function that cannot fail.
func infallible(f func(string) string) normalizer {
	return func(text string) (string, error) { return f(text), nil }
}

// normalizerSpec holds the fields of every normalizer type of tokenizer.json.
type normalizerSpec struct {
	Type         string            `json:"type"`
	Normalizers  []json.RawMessage `json:"normalizers"`
	Pattern      *pattern          `json:"pattern"`
	Content      string            `json:"content"`
	Prepend      string            `json:"prepend"`
	StripLeft    bool              `json:"strip_left"`
	StripRight   bool              `json:"strip_right"`
	Charsmap     []byte            `json:"precompiled_charsmap"`
	CleanText    *bool             `json:"clean_text"`
	ChineseChars *bool             `json:"handle_chinese_chars"`
	StripAccents *bool             `json:"strip_accents"`
	Lowercase    *bool             `json:"lowercase"`
}

// parseNormalizer reads the section at path; a nil normalizer leaves the text as it is.
func parseNormalizer(path string, data json.RawMessage) (normalizer, error) {
	if isNull(data) {
		return nil, nil
	}
	var s normalizerSpec
	if err := decodeSection(path, data, &s); err != nil {
		return nil, err
	}
	switch s.Type {
	case "Sequence":
		return parseNormalizers(path, s.Normalizers)
	case "NFC":
		return infallible(nfc), nil
	case "NFD":
		return infallible(nfd), nil
	case "NFKC":
		return infallible(nfkc), nil
	case "NFKD":
		return infallible(nfkd), nil
	case "Lowercase":
		return infallible(lower), nil
	case "Nmt":
		return infallible(nmt), nil
	case "StripAccents":
		return infallible(func(text string) string {
			return keepRunes(text, func(r rune) bool { return !unicode.Is(unicode.M, r) })
		}), nil
	case "Strip":
		return infallible(func(text string) string {
			if s.StripLeft {
				text = strings.TrimLeftFunc(text, unicode.IsSpace)
			}
			if s.StripRight {
				text = strings.TrimRightFunc(text, unicode.IsSpace)
			}
			return text
		}), nil
	case "Prepend":
		return infallible(func(text string) string {
			if text == "" {
				return text
			}
			return s.Prepend + text
		}), nil
	case "Replace":
		if s.Pattern == nil {
			return nil, fmt.Errorf("%s.pattern: missing; a Replace normalizer needs one", path)
		}
		return s.Pattern.replacer(path, s.Content)
	case "ByteLevel":
		return infallible(byteLevelEncode), nil
	case "BertNormalizer":
		return infallible(newBertNormalizer(s)), nil
	case "Precompiled":
		m, err := parseCharsmap(s.Charsmap)
		if err != nil {
			return nil, fmt.Errorf("%s.precompiled_charsmap: %w", path, err)
		}
		return infallible(m.normalizeGraphemes), nil
	}
	return nil, fmt.Errorf("%s.type: %q is not supported", path, s.Type)
}

func parseNormalizers(path string, sections []json.RawMessage) (normalizer, error) {
	var steps []normalizer
	for i, section := range sections {
		n, err := parseNormalizer(fmt.Sprintf("%s.normalizers[%d]", path, i), section)
		if err != nil {
			return nil, err
		}
		if n != nil {
			steps = append(steps, n)
		}
	}
	return func(text string) (string, error) {
		for _, step := range steps {
			var err error
			if text, err = step(text); err != nil {
				return "", err
			}
		}
		return text, nil
	}, nil
}

func nfc(text string) string  { return normalForm(norm.NFC, text) }
func nfd(text string) string  { return normalForm(norm.NFD, text) }
func nfkc(text string) string { return normalForm(norm.NFKC, text) }
func nfkd(text string) string { return normalForm(norm.NFKD, text) }

// nmt is the control character and space clean-up of SentencePiece's nmt rules.
func nmt(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 0x01 <= r && r <= 0x08, r == 0x0B, 0x0E <= r && r <= 0x1F, r == 0x7F, r == 0x8F, r == 0x9F:
			return -1
		case r == 0x09, r == 0x0A, r == 0x0C, r == 0x0D, r == 0x1680, 0x200B <= r && r <= 0x200F, r == 0x2028,
			r == 0x2029, r == 0x2581, r == 0xFEFF, r == 0xFFFD:
			return ' '
		}
		return r
	}, text)
}

// newBertNormalizer is BERT's clean-up. An absent strip_accents follows lowercase; the other absent flags are true.
func newBertNormalizer(s normalizerSpec) func(string) string {
	on := func(flag *bool) bool { return flag == nil || *flag }
	clean, chinese, lowercase := on(s.CleanText), on(s.ChineseChars), on(s.Lowercase)
	accents := lowercase
	if s.StripAccents != nil {
		accents = *s.StripAccents
	}
	return func(text string) string {
		if clean {
			text = bertClean(text)
		}
		if chinese {
			text = spaceIdeographs(text)
		}
		if accents {
			text = keepRunes(nfd(text), func(r rune) bool { return !unicode.Is(unicode.Mn, r) })
		}
		if lowercase {
			text = lower(text)
		}
		return text
	}
}

// bertClean drops control characters and turns every white space into a space.
func bertClean(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t', r == '\n', r == '\r':
			return ' '
		case r == 0, r == 0xFFFD, unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co):
			return -1
		case unicode.IsSpace(r):
			return ' '
		}
		return r
	}, text)
}

// spaceIdeographs puts a space on either side of every CJK ideograph.
func spaceIdeographs(text string) string {
	if strings.IndexFunc(text, isIdeograph) < 0 {
		return text
	}
	var b strings.Builder
	b.Grow(2 * len(text))
	for _, r := range text {
		if isIdeograph(r) {
			b.WriteByte(' ')
			b.WriteRune(r)
			b.WriteByte(' ')
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func isIdeograph(r rune) bool {
	return 0x4E00 <= r && r <= 0x9FFF || 0x3400 <= r && r <= 0x4DBF || 0x20000 <= r && r <= 0x2A6DF ||
		0x2A700 <= r && r <= 0x2B73F || 0x2B740 <= r && r <= 0x2B81F || 0x2B920 <= r && r <= 0x2CEAF ||
		0xF900 <= r && r <= 0xFAFF || 0x2F800 <= r && r <= 0x2FA1F
}

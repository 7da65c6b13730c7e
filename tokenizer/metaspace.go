package tokenizer

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// metaspace writes spaces as a visible character and puts one in front of the text.
type metaspace struct {
	replacement string
	prepend     string // "always", "first" or "never"
	cut         bool   // each replacement begins a word
}

// newMetaspace reads the Metaspace pre-tokenizer or decoder. Files from before prepend_scheme have add_prefix_space.
func newMetaspace(path string, s preTokenizerSpec) (*metaspace, error) {
	m := &metaspace{replacement: s.Replacement, prepend: s.PrependScheme, cut: s.Split == nil || *s.Split}
	if m.replacement == "" {
		m.replacement = "▁"
	}
	if utf8.RuneCountInString(m.replacement) != 1 {
		return nil, fmt.Errorf("%s.replacement: want one character, found %q", path, m.replacement)
	}
	switch m.prepend {
	case "":
		m.prepend = "always"
		if s.AddPrefixSpace != nil && !*s.AddPrefixSpace {
			m.prepend = "never"
		}
	case "always", "first", "never":
	default:
		return nil, fmt.Errorf("%s.prepend_scheme: %q is not supported; want always, first or never", path, m.prepend)
	}
	return m, nil
}

func (m *metaspace) split(p piece, out emit) error {
	p.text = strings.ReplaceAll(p.text, " ", m.replacement)
	if (m.prepend == "always" || m.prepend == "first" && p.first) && !strings.HasPrefix(p.text, m.replacement) {
		p.text = m.replacement + p.text
	}
	if !m.cut {
		return out(p)
	}
	for start := 0; start < len(p.text); {
		end := len(p.text)
		if at := strings.Index(p.text[start+1:], m.replacement); at >= 0 {
			end = start + 1 + at
		}
		if err := out(piece{p.text[start:end], p.first && start == 0}); err != nil {
			return err
		}
		start = end
	}
	return nil
}

package tokenizer

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// addedToken is a token that is cut out of the text before the model sees it.
type addedToken struct {
	ID         int32  `json:"id"`
	Content    string `json:"content"`
	SingleWord bool   `json:"single_word"` // only where no word character touches it
	LStrip     bool   `json:"lstrip"`      // swallows white space on its left
	RStrip     bool   `json:"rstrip"`      // swallows white space on its right
	Normalized bool   `json:"normalized"`  // looked for in the normalized text
	Special    bool   `json:"special"`     // left out by Decode with skipSpecial
}

// matcher finds added tokens in a text, leftmost first and the longest of those.
type matcher struct {
	tokens []addedToken
	trie   *trie
	begins [256]bool // bytes that some token begins with
	only   byte      // that byte when there is just one, else 0
}

// newMatcher makes a matcher of tokens; surface[i] is how tokens[i] looks in the text. It is nil without tokens.
func newMatcher(tokens []addedToken, surface []string) *matcher {
	if len(tokens) == 0 {
		return nil
	}
	m := &matcher{tokens: tokens}
	index := make([]int32, len(tokens))
	for i, s := range surface {
		index[i] = int32(i)
		if s != "" {
			m.begins[s[0]] = true
		}
	}
	m.trie = newTrie(surface, index)
	count := 0
	for b, begins := range m.begins {
		if begins {
			m.only = byte(b)
			count++
		}
	}
	if count != 1 {
		m.only = 0
	}
	return m
}

// split calls plain for each stretch without an added token (at is its offset in text) and token for each added token,
// in order.
func (m *matcher) split(text string, plain func(part string, at int) error, token func(id int32)) error {
	if m == nil {
		return plain(text, 0)
	}
	done := 0
	for i := 0; i < len(text); {
		if i = m.next(text, i); i == len(text) {
			break
		}
		index, length := m.trie.longest(text[i:])
		if length == 0 {
			i++
			continue
		}
		start, end := i, i+length
		i = end
		tok := &m.tokens[index]
		if tok.SingleWord && (endsInWord(text[:start]) || beginsWithWord(text[end:])) {
			continue
		}
		if tok.LStrip {
			// White space that the token before has swallowed stays with that one.
			start = max(done, len(strings.TrimRightFunc(text[:start], unicode.IsSpace)))
		}
		if tok.RStrip {
			end = len(text) - len(strings.TrimLeftFunc(text[end:], unicode.IsSpace))
		}
		if start > done {
			if err := plain(text[done:start], done); err != nil {
				return err
			}
		}
		token(tok.ID)
		done = end
		i = max(i, end)
	}
	if done < len(text) {
		return plain(text[done:], done)
	}
	return nil
}

// next is the first offset from i on where a token could begin, or len(text).
func (m *matcher) next(text string, i int) int {
	if m.only != 0 {
		if at := strings.IndexByte(text[i:], m.only); at >= 0 {
			return i + at
		}
		return len(text)
	}
	for i < len(text) && !m.begins[text[i]] {
		i++
	}
	return i
}

func endsInWord(text string) bool {
	r, _ := utf8.DecodeLastRuneInString(text)
	return text != "" && isWord(r)
}

func beginsWithWord(text string) bool {
	r, _ := utf8.DecodeRuneInString(text)
	return text != "" && isWord(r)
}

package tokenizer

import (
	"fmt"
	"unicode/utf8"
)

// wordPiece takes the longest token that a word begins with, again and again; all but the first carry a prefix. A word
// that cannot be spelled so is unknown as a whole.
type wordPiece struct {
	*vocabulary
	begin    *trie // tokens as they begin a word
	inside   *trie // tokens that carry the prefix, without it
	unk      unknownToken
	maxChars int // longer words are unknown
}

// unknownToken is the token for what the vocabulary lacks.
type unknownToken struct {
	name string
	id   int32 // -1 when the vocabulary lacks it too
}

func newUnknownToken(s modelSpec, vocab *vocabulary, absent string) unknownToken {
	u := unknownToken{name: absent, id: -1}
	if s.UnkToken != nil {
		u.name = *s.UnkToken
	}
	if id, ok := vocab.ids[u.name]; ok {
		u.id = id
	}
	return u
}

func (u unknownToken) append(dst []int32, word string) ([]int32, error) {
	if u.id < 0 {
		return nil, fmt.Errorf("tokenizer: %.40q is not in the vocabulary and neither is the unknown token %q", word, u.name)
	}
	return append(dst, u.id), nil
}

func newWordPiece(s modelSpec, vocab *vocabulary) (*wordPiece, error) {
	prefix := "##"
	if s.Prefix != nil {
		prefix = *s.Prefix
	}
	m := &wordPiece{vocabulary: vocab, unk: newUnknownToken(s, vocab, "[UNK]"), maxChars: 100}
	if s.MaxChars != nil {
		m.maxChars = *s.MaxChars
	}
	var begin, inside []string
	var beginIDs, insideIDs []int32
	for token, id := range vocab.ids {
		begin, beginIDs = append(begin, token), append(beginIDs, id)
		if len(token) > len(prefix) && token[:len(prefix)] == prefix {
			inside, insideIDs = append(inside, token[len(prefix):]), append(insideIDs, id)
		}
	}
	m.begin, m.inside = newTrie(begin, beginIDs), newTrie(inside, insideIDs)
	return m, nil
}

func (m *wordPiece) encode(dst []int32, word string) ([]int32, error) {
	if len(word) > m.maxChars && utf8.RuneCountInString(word) > m.maxChars {
		return m.unk.append(dst, word)
	}
	start, tokens := len(dst), m.begin
	for at := 0; at < len(word); {
		id, length := tokens.longest(word[at:])
		if length == 0 {
			return m.unk.append(dst[:start], word)
		}
		dst = append(dst, id)
		at, tokens = at+length, m.inside
	}
	return dst, nil
}

// wordLevel has a token for each word and no way to spell others.
type wordLevel struct {
	*vocabulary
	unk unknownToken
}

func newWordLevel(s modelSpec, vocab *vocabulary) (*wordLevel, error) {
	return &wordLevel{vocab, newUnknownToken(s, vocab, "<unk>")}, nil
}

func (m *wordLevel) encode(dst []int32, word string) ([]int32, error) {
	if id, ok := m.ids[word]; ok {
		return append(dst, id), nil
	}
	return m.unk.append(dst, word)
}

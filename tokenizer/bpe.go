package tokenizer

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// bpe is byte-pair encoding: a word begins as its characters, or its raw bytes behind a byte-level pre-tokenizer, and
// the adjacent pair of lowest rank is merged, leftmost first, until no pair is left.
type bpe struct {
	*vocabulary
	merges       *mergeTable
	byByte       *byteAlphabet    // raw bytes come in; nil when words are characters
	words        map[string]int32 // what ignoreMerges looks words up in
	symbols      map[string]int32 // what a word begins as
	singles      []string         // symbols that are no tokens; their ids follow those of the tokens
	user         *trie            // tokens found in a word before all else, and never merged; nil when there are none
	prefix       string           // marks a symbol that does not begin its word
	suffix       string           // marks a symbol that ends its word
	unk          int32            // -1 when there is none
	fuseUnk      bool
	fallback     *[256]int32 // id of <0x00> .. <0xFF>; nil without byte fallback
	ignoreMerges bool        // a word that is a token is that token, whatever the merges say
	cut          string      // no merge reaches across the beginning of a run of this; "" when there is none
	cache        *wordCache
}

// byteAlphabet is the id of each byte as a symbol, plain and at the end of a word; -1 where the vocabulary lacks it.
type byteAlphabet struct {
	plain [256]int32
	final [256]int32
	inner [256]int32
}

// parse reads the form "a b". A token can itself contain a space only in the other form.
func (m *mergePair) parse(line string) error {
	a, b, found := strings.Cut(line, " ")
	if !found || strings.Contains(b, " ") {
		return fmt.Errorf("a merge wants two tokens with a space between, found %.80q", line)
	}
	m[0], m[1] = a, b
	return nil
}

// newBPE checks that the merges name tokens of the vocabulary.
func newBPE(s modelSpec, vocab *vocabulary, bytes bool) (*bpe, error) {
	m := &bpe{vocabulary: vocab, unk: -1, fuseUnk: s.FuseUnk, ignoreMerges: s.IgnoreMerges, cache: newWordCache()}
	if s.Prefix != nil {
		m.prefix = *s.Prefix
	}
	if s.Suffix != nil {
		m.suffix = *s.Suffix
	}
	if s.UnkToken != nil && *s.UnkToken != "" {
		id, ok := vocab.ids[*s.UnkToken]
		if !ok {
			return nil, fmt.Errorf("model.unk_token: %q is not in the vocabulary", *s.UnkToken)
		}
		m.unk = id
	}
	if s.ByteFallback {
		m.fallback = byteTokens(vocab)
	}
	var err error
	if m.merges, err = newMerges(s.Merges, vocab, len(m.prefix)); err != nil {
		return nil, err
	}
	m.words, m.symbols = vocab.ids, vocab.ids
	if bytes {
		m.useBytes()
	} else if m.prefix == "" && m.suffix == "" && !m.ignoreMerges {
		m.cut = cutBefore("▁", s.Merges, vocab)
	}
	return m, nil
}

// newMerges ranks the merges; skip is the length of the prefix that the second token of a pair loses.
func newMerges(pairs []mergePair, vocab *vocabulary, skip int) (*mergeTable, error) {
	merges := newMergeTable(len(pairs))
	for rank, pair := range pairs {
		left, ok := vocab.ids[pair[0]]
		if !ok {
			return nil, fmt.Errorf("model.merges[%d]: token %q is not in the vocabulary", rank, pair[0])
		}
		right, ok := vocab.ids[pair[1]]
		if !ok {
			return nil, fmt.Errorf("model.merges[%d]: token %q is not in the vocabulary", rank, pair[1])
		}
		merged := pair[0] + pair[1][min(skip, len(pair[1])):]
		id, ok := vocab.ids[merged]
		if !ok {
			return nil, fmt.Errorf("model.merges[%d]: token %q, made of %q and %q, is not in the vocabulary", rank,
				merged, pair[0], pair[1])
		}
		merges.put(left, right, int32(rank), id)
	}
	return merges, nil
}

// useBytes prepares for words of raw bytes: the vocabulary is looked up by bytes and not by their visible characters.
func (m *bpe) useBytes() {
	m.byByte = &byteAlphabet{}
	for b, r := range byteRune {
		m.byByte.plain[b] = m.symbol(string(r))
		m.byByte.inner[b] = m.symbol(m.prefix + string(r))
		m.byByte.final[b] = m.symbol(m.prefix + string(r) + m.suffix)
	}
	if m.ignoreMerges {
		m.words = make(map[string]int32, len(m.ids))
		for token, id := range m.ids {
			if raw, ok := byteLevelDecode(nil, token); ok {
				m.words[string(raw)] = id
			}
		}
	}
}

func (m *bpe) symbol(token string) int32 {
	if id, ok := m.ids[token]; ok {
		return id
	}
	return -1
}

// byteTokens looks up <0x00> .. <0xFF>; a missing one is -1.
func byteTokens(vocab *vocabulary) *[256]int32 {
	var table [256]int32
	for b := range table {
		table[b] = -1
		if id, ok := vocab.ids[fmt.Sprintf("<0x%02X>", b)]; ok {
			table[b] = id
		}
	}
	return &table
}

// cutBefore returns mark when words can be cut before every run of it without a change in the result: it is a token,
// and no merge joins something that ends otherwise with something that begins with it. Llama's vocabulary is of that
// kind; its words are whole texts, which the cuts turn into words that the cache knows.
func cutBefore(mark string, pairs []mergePair, vocab *vocabulary) string {
	if _, ok := vocab.ids[mark]; !ok {
		return ""
	}
	for _, pair := range pairs {
		if strings.HasPrefix(pair[1], mark) && !strings.HasSuffix(pair[0], mark) {
			return ""
		}
	}
	return mark
}

func (m *bpe) encode(dst []int32, word string) ([]int32, error) {
	if m.cut == "" {
		return m.encodeWord(dst, word), nil
	}
	for start := 0; start < len(word); {
		end := start
		for strings.HasPrefix(word[end:], m.cut) {
			end += len(m.cut)
		}
		if at := strings.Index(word[end:], m.cut); at >= 0 {
			end += at
		} else {
			end = len(word)
		}
		dst = m.encodeWord(dst, word[start:end])
		start = end
	}
	return dst, nil
}

func (m *bpe) encodeWord(dst []int32, word string) []int32 {
	if m.ignoreMerges {
		if id, ok := m.words[word]; ok {
			return append(dst, id)
		}
	}
	if len(word) > maxCachedWord {
		return m.mergeWord(dst, word)
	}
	slot := m.cache.slot(word)
	if ids, ok := slot.get(word); ok {
		return append(dst, ids...)
	}
	start := len(dst)
	dst = m.mergeWord(dst, word)
	slot.put(word, dst[start:])
	return dst
}

// mergeWord appends the symbols of word to dst and merges them in place.
func (m *bpe) mergeWord(dst []int32, word string) []int32 {
	start := len(dst)
	if m.byByte != nil {
		dst = m.byteSymbols(dst, word)
	} else {
		dst = m.charSymbols(dst, word)
	}
	n := m.merges.apply(dst[start:])
	dst = dst[:start+n]
	if len(m.singles) > 0 {
		dst = m.resolveSingles(dst, start)
	}
	return dst
}

// resolveSingles replaces the symbols from dst[start] on that are no tokens and were not merged into one.
func (m *bpe) resolveSingles(dst []int32, start int) []int32 {
	if !slices.ContainsFunc(dst[start:], func(id int32) bool { return int(id) >= len(m.list) }) {
		return dst
	}
	symbols := slices.Clone(dst[start:])
	dst = dst[:start]
	for i, id := range symbols {
		if int(id) < len(m.list) {
			if id != m.unk || i == 0 || len(dst) == start || dst[len(dst)-1] != m.unk {
				dst = append(dst, id)
			}
			continue
		}
		if more, ok := appendBytes(dst, m.fallback, m.singles[int(id)-len(m.list)]); ok {
			dst = more
		} else {
			dst = m.appendUnknown(dst, len(dst) > start && dst[len(dst)-1] == m.unk)
		}
	}
	return dst
}

// byteSymbols appends one symbol a byte of word. Symbols that the vocabulary lacks become the unknown token.
func (m *bpe) byteSymbols(dst []int32, word string) []int32 {
	unknown := false
	for i := 0; i < len(word); i++ {
		id := m.byByte.inner[word[i]]
		switch {
		case i == len(word)-1 && m.suffix != "":
			if id = m.byByte.final[word[i]]; i == 0 {
				id = m.symbol(string(byteRune[word[i]]) + m.suffix)
			}
		case i == 0:
			id = m.byByte.plain[word[i]]
		}
		if id >= 0 {
			dst, unknown = append(dst, id), false
		} else {
			dst, unknown = m.appendUnknown(dst, unknown), true
		}
	}
	return dst
}

// charSymbols appends one symbol a character of word; characters that the vocabulary lacks become their bytes, with
// byte fallback, or the unknown token.
func (m *bpe) charSymbols(dst []int32, word string) []int32 {
	unknown := false
	for i := 0; i < len(word); {
		if m.user != nil {
			if id, length := m.user.longest(word[i:]); length > 0 {
				dst, unknown = append(dst, id), false
				i += length
				continue
			}
		}
		_, size := utf8.DecodeRuneInString(word[i:])
		char := word[i : i+size]
		if i > 0 {
			char = m.prefix + char
		}
		if i += size; i == len(word) {
			char += m.suffix
		}
		if id, ok := m.symbols[char]; ok {
			dst, unknown = append(dst, id), false
			continue
		}
		if more, ok := appendBytes(dst, m.fallback, char); ok {
			dst, unknown = more, false
			continue
		}
		dst, unknown = m.appendUnknown(dst, unknown), true
	}
	return dst
}

// appendUnknown appends the unknown token, once for a run of unknown symbols when they are to be fused.
func (m *bpe) appendUnknown(dst []int32, again bool) []int32 {
	if m.unk < 0 || again && m.fuseUnk {
		return dst
	}
	return append(dst, m.unk)
}

// appendBytes appends the byte tokens of text; it reports false when there is one missing.
func appendBytes(dst []int32, table *[256]int32, text string) ([]int32, bool) {
	if table == nil {
		return dst, false
	}
	start := len(dst)
	for i := 0; i < len(text); i++ {
		id := table[text[i]]
		if id < 0 {
			return dst[:start], false
		}
		dst = append(dst, id)
	}
	return dst, true
}

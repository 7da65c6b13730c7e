package tokenizer

import (
	"strings"
	"unicode/utf8"
)

// parseGPT2 makes the byte-level BPE tokenizer of GPT-2 from its two files. The special tokens that the configuration
// names are found in text, as they would be with a tokenizer.json.
func parseGPT2(vocabJSON, mergesText []byte, c config) (*Tokenizer, error) {
	var ids map[string]int32
	if err := decodeSection("", vocabJSON, &ids); err != nil {
		return nil, err
	}
	vocab, err := newVocabulary("the file", ids)
	if err != nil {
		return nil, err
	}
	pairs, err := parseMerges(mergesText)
	if err != nil {
		return nil, err
	}
	m, err := newBPE(modelSpec{Merges: pairs}, vocab, true)
	if err != nil {
		return nil, err
	}
	t := &Tokenizer{
		model:    m,
		split:    []preTokenizer{scanWords(knownScanner(splitGPT2))},
		decoders: []decoder{func() stage { return &byteLevelStage{} }},
	}
	if err := t.addTokens("added_tokens_decoder", c.withSpecials(m)); err != nil {
		return nil, err
	}
	t.frame = c.frame(t)
	return t, nil
}

// parseMerges reads merges.txt: one "a b" a line, lines that begin with #version left out.
func parseMerges(text []byte) ([]mergePair, error) {
	var pairs []mergePair
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\r\n")
		if line == "" || strings.HasPrefix(line, "#version") || !utf8.ValidString(line) {
			continue
		}
		var pair mergePair
		if err := pair.parse(line); err != nil {
			return nil, err
		}
		pairs = append(pairs, pair)
	}
	return pairs, nil
}

// withSpecials is the added tokens of the configuration and those of its special tokens that the model has.
func (c config) withSpecials(m model) []addedToken {
	added := append([]addedToken(nil), c.added...)
	known := make(map[string]bool)
	for _, tok := range added {
		known[tok.Content] = true
	}
	for _, role := range specialRoles {
		content := c.specials[role]
		if id, ok := m.id(content); ok && !known[content] {
			known[content] = true
			added = append(added, addedToken{ID: id, Content: content, Special: true})
		}
	}
	return added
}

// frame is the special tokens around a text that add_bos_token and add_eos_token ask for.
func (c config) frame(t *Tokenizer) frame {
	ids := func(role string, flag *bool) []int32 {
		token, named := c.specials[role]
		id, ok := t.ID(token)
		if !named || !ok || flag == nil || !*flag {
			return nil
		}
		return []int32{id}
	}
	return frame{before: ids("bos_token", c.addBOS), after: ids("eos_token", c.addEOS)}
}

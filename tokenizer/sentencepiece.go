package tokenizer

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// spaceSymbol is how SentencePiece writes a space.
const spaceSymbol = "▁"

// parseSentencePiece makes a tokenizer of a SentencePiece model file, which says nothing of the tokens that the
// checkpoint added or put around a text: the configuration does.
func parseSentencePiece(data []byte, c config) (*Tokenizer, error) {
	sp, err := parseSPModel(data)
	if err != nil {
		return nil, err
	}
	if sp.suffix {
		return nil, errors.New("trainer_spec.treat_whitespace_as_suffix is not supported")
	}
	m, err := sp.model()
	if err != nil {
		return nil, err
	}
	n, err := newSPNormalizer(sp)
	if err != nil {
		return nil, err
	}
	t := &Tokenizer{model: m, normalize: infallible(n.normalize), decoders: sp.decoders()}
	if sp.dummyPrefix {
		// Older Llama configurations put a space before every stretch between special tokens, newer ones before the
		// first only.
		each := c.legacy == nil || *c.legacy
		t.split = []preTokenizer{func(p piece, out emit) error {
			if each || p.first {
				p.text = n.space + p.text
			}
			return out(p)
		}}
	}
	sp.nameTokens(c.specials)
	added := c.withSpecials(m)
	for id, p := range sp.pieces {
		if p.kind == spControl || p.kind == spUnknown {
			added = append(added, addedToken{ID: int32(id), Content: p.text, Special: true})
		}
	}
	if err := t.addTokens("added_tokens_decoder", added); err != nil {
		return nil, err
	}
	t.frame = c.withDefaults().frame(t)
	return t, nil
}

// nameTokens fills in the special tokens that the configuration does not name.
func (sp *spModel) nameTokens(specials map[string]string) {
	for role, id := range sp.named {
		if _, ok := specials[role]; !ok && id >= 0 && id < int64(len(sp.pieces)) && sp.pieces[id].kind != spNormal {
			specials[role] = sp.pieces[id].text
		}
	}
}

// withDefaults is c with what the reference tokenizers add when the configuration does not say: T5 ends a text with
// the end token, all others begin it with the beginning token.
func (c config) withDefaults() config {
	yes := true
	t5 := strings.Contains(c.class, "T5")
	if c.addEOS == nil && t5 {
		c.addEOS = &yes
	}
	if c.addBOS == nil && !t5 {
		c.addBOS = &yes
	}
	return c
}

func (sp *spModel) decoders() []decoder {
	steps := []decoder{
		func() stage { return &replaceStage{pattern: spaceSymbol, content: " "} },
		func() stage { return &byteFallbackStage{} },
		func() stage { return &fuseStage{} },
	}
	if sp.dummyPrefix {
		steps = append(steps, func() stage { return &stripStage{content: " ", start: 1} })
	}
	return steps
}

func (sp *spModel) model() (model, error) {
	ids := make(map[string]int32, len(sp.pieces))
	unk := int32(-1)
	for id, p := range sp.pieces {
		if first, ok := ids[p.text]; ok {
			return nil, fmt.Errorf("pieces %d and %d are both %q", first, id, p.text)
		}
		ids[p.text] = int32(id)
		if p.kind == spUnknown {
			unk = int32(id)
		}
	}
	switch sp.kind {
	case spUnigram:
		return sp.unigram(unk)
	case spBPE:
		vocab, err := newVocabulary("pieces", ids)
		if err != nil {
			return nil, err
		}
		return sp.bpe(vocab, unk), nil
	}
	return nil, fmt.Errorf("trainer_spec.model_type: %d is not supported; want 1 (unigram) or 2 (BPE)", sp.kind)
}

func (sp *spModel) unigram(unk int32) (model, error) {
	best := float32(0)
	for i, p := range sp.pieces {
		if p.kind == spNormal && (i == 0 || best == 0 || p.score > best) {
			best = p.score
		}
	}
	entries := make([]scoredToken, len(sp.pieces))
	for i, p := range sp.pieces {
		e := scoredToken{token: p.text, score: float64(p.score)}
		switch p.kind {
		case spUserDefined: // beats every other way to write it
			e.score, e.forced = float64(float32(len(p.text))*best)-0.1, true
		case spControl, spUnknown, spUnused, spByte:
			e.hidden = true
		}
		entries[i] = e
	}
	return newUnigram(entries, unk, sp.byteFallback)
}

// bpe makes merges of the scores: of all pairs of symbols that join to a piece, that of the best piece is merged first.
func (sp *spModel) bpe(vocab *vocabulary, unk int32) *bpe {
	m := &bpe{vocabulary: vocab, unk: unk, fuseUnk: true, cache: newWordCache(), symbols: make(map[string]int32)}
	if sp.byteFallback {
		m.fallback = byteTokens(vocab)
	}
	var user []string
	var userIDs []int32
	scores := make(map[float32]bool)
	cut := true
	for id, p := range sp.pieces {
		switch p.kind {
		case spNormal:
			m.symbols[p.text] = int32(id)
			scores[p.score] = true
		case spUserDefined:
			user, userIDs = append(user, p.text), append(userIDs, int32(id))
		}
		cut = cut && !strings.Contains(strings.TrimLeft(p.text, spaceSymbol), spaceSymbol)
	}
	if len(user) > 0 {
		m.user = newTrie(user, userIDs)
	}
	if _, ok := m.symbols[spaceSymbol]; ok && cut {
		m.cut = spaceSymbol
	}
	order := slices.Sorted(maps.Keys(scores))
	ranks := make(map[float32]int32, len(order))
	for i, score := range order {
		ranks[score] = int32(len(order) - 1 - i)
	}
	sp.addSingles(m)
	m.merges = newMergeTable(4 * len(sp.pieces))
	for id, p := range sp.pieces {
		if p.kind != spNormal {
			continue
		}
		for at := range p.text {
			left, ok := m.symbols[p.text[:at]]
			if !ok {
				continue
			}
			if right, ok := m.symbols[p.text[at:]]; ok {
				m.merges.add(left, right, ranks[p.score], int32(id))
			}
		}
	}
	return m
}

// addSingles gives a symbol to every character of a piece that is none itself: it can still be merged. Left alone, it
// is as unknown as any other.
func (sp *spModel) addSingles(m *bpe) {
	for _, p := range sp.pieces {
		if p.kind != spNormal || utf8.RuneCountInString(p.text) == 1 {
			continue
		}
		for _, r := range p.text {
			if _, ok := m.symbols[string(r)]; !ok {
				m.symbols[string(r)] = int32(len(sp.pieces) + len(m.singles))
				m.singles = append(m.singles, string(r))
			}
		}
	}
}

// spNormalizer is the clean-up that SentencePiece does before it segments.
type spNormalizer struct {
	charsmap     *charsmap
	user         *trie  // user-defined pieces are left as they are; nil when there are none
	space        string // what a space becomes
	removeSpaces bool   // at both ends, and all but the first of a run
}

func newSPNormalizer(sp *spModel) (*spNormalizer, error) {
	m, err := parseCharsmap(sp.charsmap)
	if err != nil {
		return nil, fmt.Errorf("normalizer_spec.precompiled_charsmap: %w", err)
	}
	n := &spNormalizer{charsmap: m, space: " ", removeSpaces: sp.removeSpaces}
	if sp.escapeWhitespace {
		n.space = spaceSymbol
	}
	var user []string
	for _, p := range sp.pieces {
		if p.kind == spUserDefined {
			user = append(user, p.text)
		}
	}
	if len(user) > 0 {
		n.user = newTrie(user, make([]int32, len(user)))
	}
	return n, nil
}

func (n *spNormalizer) normalize(text string) string {
	var out strings.Builder
	out.Grow(len(text) + len(text)/2)
	drop := n.removeSpaces
	for text != "" {
		part, size := n.prefix(text)
		text = text[size:]
		if drop {
			part = strings.TrimLeft(part, " ")
		}
		if part == "" {
			continue
		}
		out.WriteString(strings.ReplaceAll(part, " ", n.space))
		drop = n.removeSpaces && strings.HasSuffix(part, " ")
	}
	clean := out.String()
	for n.removeSpaces && strings.HasSuffix(clean, n.space) {
		clean = strings.TrimSuffix(clean, n.space)
	}
	return clean
}

// prefix is what the beginning of text becomes, and how long that beginning is.
func (n *spNormalizer) prefix(text string) (part string, size int) {
	if n.user != nil {
		if _, size := n.user.longest(text); size > 0 {
			return text[:size], size
		}
	}
	if part, size := n.charsmap.lookup(text, true); size > 0 {
		return part, size
	}
	_, size = utf8.DecodeRuneInString(text)
	return text[:size], size
}

package tokenizer

import (
	"encoding/json"
	"fmt"
)

// fileSpec is the top level of tokenizer.json. Truncation and padding are the caller's business.
type fileSpec struct {
	AddedTokens   []addedToken    `json:"added_tokens"`
	Normalizer    json.RawMessage `json:"normalizer"`
	PreTokenizer  json.RawMessage `json:"pre_tokenizer"`
	Model         json.RawMessage `json:"model"`
	PostProcessor json.RawMessage `json:"post_processor"`
	Decoder       json.RawMessage `json:"decoder"`
}

// Parse reads the contents of a tokenizer.json; name stands for the file in errors. The result knows no chat template
// and no beginning-of-text or end-of-text token: those come from other files, which Open reads.
func Parse(name string, tokenizerJSON []byte) (*Tokenizer, error) {
	t, err := parseFile(tokenizerJSON)
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %s: %w", name, err)
	}
	return t, nil
}

func parseFile(data []byte) (*Tokenizer, error) {
	var s fileSpec
	if err := decodeSection("", data, &s); err != nil {
		return nil, err
	}
	split, bytes, err := parsePreTokenizer("pre_tokenizer", s.PreTokenizer, true)
	if err != nil {
		return nil, err
	}
	m, err := parseModel(s.Model, bytes)
	if err != nil {
		return nil, err
	}
	if _, ok := m.(*bpe); bytes && !ok {
		// Only BPE takes raw bytes; for the others the mapping is a step like any other.
		if split, _, err = parsePreTokenizer("pre_tokenizer", s.PreTokenizer, false); err != nil {
			return nil, err
		}
	}
	t := &Tokenizer{model: m, split: split}
	if t.normalize, err = parseNormalizer("normalizer", s.Normalizer); err != nil {
		return nil, err
	}
	if err := t.addTokens("added_tokens", s.AddedTokens); err != nil {
		return nil, err
	}
	if t.frame, err = parsePostProcessor("post_processor", s.PostProcessor, len(t.tokens)); err != nil {
		return nil, err
	}
	if t.decoders, err = parseDecoder("decoder", s.Decoder); err != nil {
		return nil, err
	}
	return t, nil
}

// addTokens joins the added tokens to the model's vocabulary. A token that the model has too keeps the model's id.
func (t *Tokenizer) addTokens(path string, added []addedToken) error {
	t.tokens = append([]string(nil), t.model.tokens()...)
	t.added = make(map[string]int32)
	t.special = make(map[int32]bool)
	var raw, cooked []addedToken
	for i, tok := range added {
		if tok.Content == "" {
			continue
		}
		if tok.ID < 0 || tok.ID >= maxID {
			return fmt.Errorf("%s[%d].id: %d; ids lie between 0 and %d", path, i, tok.ID, maxID-1)
		}
		if id, ok := t.ID(tok.Content); ok {
			tok.ID = id
		} else if err := t.grow(tok); err != nil {
			return fmt.Errorf("%s[%d].id: %w", path, i, err)
		}
		if tok.Special {
			t.special[tok.ID] = true
		}
		if tok.Normalized {
			cooked = append(cooked, tok)
		} else {
			raw = append(raw, tok)
		}
	}
	return t.match(raw, cooked)
}

// grow gives a new token its id.
func (t *Tokenizer) grow(tok addedToken) error {
	for int(tok.ID) >= len(t.tokens) {
		t.tokens = append(t.tokens, "")
	}
	if taken := t.tokens[tok.ID]; taken != "" {
		return fmt.Errorf("tokens %q and %q share the id %d", taken, tok.Content, tok.ID)
	}
	t.tokens[tok.ID] = tok.Content
	t.added[tok.Content] = tok.ID
	return nil
}

// match makes the two matchers: raw tokens are looked for as they are, cooked ones as the normalizer writes them.
func (t *Tokenizer) match(raw, cooked []addedToken) error {
	surface := make([]string, len(raw))
	for i, tok := range raw {
		surface[i] = tok.Content
	}
	t.raw = newMatcher(raw, surface)
	surface = make([]string, len(cooked))
	for i, tok := range cooked {
		surface[i] = tok.Content
		if t.normalize != nil {
			var err error
			if surface[i], err = t.normalize(tok.Content); err != nil {
				return err
			}
		}
	}
	t.cooked = newMatcher(cooked, surface)
	return nil
}

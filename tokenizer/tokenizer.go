package tokenizer

import (
	"fmt"
	"math"
	"strings"
	"sync"
	"unicode/utf8"
)

// Tokenizer encodes and decodes text for one model. It is safe for concurrent use.
type Tokenizer struct {
	model     model
	tokens    []string         // by id, added tokens included; "" where there is none
	added     map[string]int32 // tokens that the model does not have
	special   map[int32]bool
	raw       *matcher   // added tokens looked for in the text as it is
	cooked    *matcher   // added tokens looked for in the normalized text
	normalize normalizer // nil leaves the text as it is
	split     []preTokenizer
	frame     frame
	decoders  []decoder
	config    config
	compiled  sync.Map // source of a chat template to *chatTemplate
}

// Encode returns the ids of text. Added tokens written out in text become their ids. addSpecial puts the special
// tokens around it that the file asks for, such as the beginning-of-text token. Each invalid part of UTF-8 is read as U+FFFD. It
// fails when the vocabulary cannot express the text and has no unknown token, or when an unusual split expression
// takes too long on it.
func (t *Tokenizer) Encode(text string, addSpecial bool) ([]int32, error) {
	if len(text) > math.MaxInt32 {
		return nil, fmt.Errorf("tokenizer: the text has %d bytes; encode it in parts of at most 2 GiB", len(text))
	}
	if !utf8.ValidString(text) {
		valid, _ := appendLossy(nil, []byte(text), false)
		text = string(valid)
	}
	ids := make([]int32, 0, len(text)/4+len(t.frame.before)+len(t.frame.after)+1)
	if addSpecial {
		ids = append(ids, t.frame.before...)
	}
	token := func(id int32) { ids = append(ids, id) }
	word := func(p piece) (err error) {
		ids, err = t.model.encode(ids, p.text)
		return err
	}
	err := t.raw.split(text, func(part string, at int) error {
		if t.normalize != nil {
			var err error
			if part, err = t.normalize(part); err != nil {
				return err
			}
		}
		first := at == 0
		return t.cooked.split(part, func(part string, at int) error {
			return chain(t.split, piece{part, first && at == 0}, word)
		}, token)
	}, token)
	if err != nil {
		return nil, err
	}
	if addSpecial {
		ids = append(ids, t.frame.after...)
	}
	return ids, nil
}

// Decode returns the text of ids; skipSpecial leaves special tokens out. Ids outside the vocabulary are left out.
func (t *Tokenizer) Decode(ids []int32, skipSpecial bool) string {
	s := t.NewStream(skipSpecial)
	var text strings.Builder
	for _, id := range ids {
		text.WriteString(s.Next(id))
	}
	text.WriteString(s.Flush())
	return text.String()
}

// VocabSize is one more than the highest id.
func (t *Tokenizer) VocabSize() int { return len(t.tokens) }

// Token returns the token as the vocabulary spells it, false when there is none of that id.
func (t *Tokenizer) Token(id int32) (string, bool) {
	if id < 0 || int(id) >= len(t.tokens) {
		return "", false
	}
	token := t.tokens[id]
	if token == "" {
		known, ok := t.ID(token)
		return "", ok && known == id
	}
	return token, true
}

// ID returns the id of a token as the vocabulary spells it.
func (t *Tokenizer) ID(token string) (int32, bool) {
	if id, ok := t.model.id(token); ok {
		return id, true
	}
	id, ok := t.added[token]
	return id, ok
}

// IsSpecial says whether id is a special token: one that stands for no text.
func (t *Tokenizer) IsSpecial(id int32) bool { return t.special[id] }

// BOS returns the beginning-of-text token that tokenizer_config.json or special_tokens_map.json names.
func (t *Tokenizer) BOS() (int32, bool) { return t.named("bos_token") }

// EOS returns the end-of-text token that tokenizer_config.json or special_tokens_map.json names.
func (t *Tokenizer) EOS() (int32, bool) { return t.named("eos_token") }

// Pad returns the padding token that tokenizer_config.json or special_tokens_map.json names.
func (t *Tokenizer) Pad() (int32, bool) { return t.named("pad_token") }

// Unknown returns the unknown token that tokenizer_config.json or special_tokens_map.json names.
func (t *Tokenizer) Unknown() (int32, bool) { return t.named("unk_token") }

func (t *Tokenizer) named(role string) (int32, bool) {
	content, ok := t.config.specials[role]
	if !ok {
		return 0, false
	}
	return t.ID(content)
}

package lrun

import (
	"context"
	"errors"
	"iter"

	"github.com/lrun/lrun/tokenizer"
)

// Chat makes the session a conversation: it renders the messages, the whole history with the new turn last, with the
// checkpoint's chat template, and continues after them. What the session has of that text already stays in the cache.
func (s *Session) Chat(ctx context.Context, messages []tokenizer.Message, options ...GenerateOption) iter.Seq2[Token, error] {
	return func(yield func(Token, error) bool) {
		ids, err := s.m.EncodeChat(messages)
		if err == nil {
			err = s.keep(ids)
		}
		if err != nil {
			yield(Token{}, err)
			return
		}
		s.GenerateIDs(ctx, ids[len(s.ids):], options...)(yield)
	}
}

// EncodeChat is the token ids of a conversation in the checkpoint's chat template, ready for the model's answer.
func (m *Model) EncodeChat(messages []tokenizer.Message) ([]int32, error) {
	if m.tokenizer == nil {
		return nil, ErrNoTokenizer
	}
	text, err := m.tokenizer.ApplyChat(messages, tokenizer.ChatOptions{AddGenerationPrompt: true})
	if err != nil {
		return nil, err
	}
	if text == "" {
		return nil, errors.New("the chat template made an empty text")
	}
	return m.tokenizer.Encode(text, false)
}

// keep cuts the session back to what it has in common with a new text, of which at least one token must be left to read.
func (s *Session) keep(ids []int32) error {
	if !s.busy.TryLock() {
		return errBusy
	}
	defer s.busy.Unlock()
	n := 0
	for n < len(s.ids) && n < len(ids)-1 && s.ids[n] == ids[n] {
		n++
	}
	s.ids = s.ids[:n]
	s.m.net.Drop(s.seq, n)
	return nil
}

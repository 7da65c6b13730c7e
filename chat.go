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
	return s.turn(ctx, options, s.chatPrompt(messages))
}

// chatPrompt composes what Chat appends, and says what of the text stays before it.
func (s *Session) chatPrompt(messages []tokenizer.Message) func() (prompt, error) {
	return func() (prompt, error) {
		ids, err := s.m.EncodeChat(messages)
		if err != nil {
			return prompt{}, err
		}
		keep := s.common(ids)
		return prompt{keep, ids[keep:]}, nil
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

// common is how much of the session's text a new text begins with, all but its last token at most: one must be read.
func (s *Session) common(ids []int32) int {
	n := 0
	for n < len(s.ids) && n < len(ids)-1 && s.ids[n] == ids[n] {
		n++
	}
	return n
}

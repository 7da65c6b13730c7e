package lrun

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"

	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/memory"
	"github.com/lrun/lrun/model"
	"github.com/lrun/lrun/tokenizer"
)

// Model is a checkpoint on a device. Its methods may be called from many goroutines.
type Model struct {
	info      Info
	backend   backend.Backend
	net       *model.Model
	tokenizer *tokenizer.Tokenizer // nil: none
	defaults  generationConfig
	eos       []int32
	policy    memory.Policy
	weights   uint32 // tells them from others
	context   int    // tokens that a session may hold
	bounded   bool   // the context was asked for, not only what the model was trained for

	closing sync.Once
	closed  error
}

// ErrContext is the error of a prompt that does not fit the context.
var ErrContext = errors.New("the prompt is longer than the context")

// ErrNoTokenizer is the error of text where a checkpoint has no tokenizer files.
var ErrNoTokenizer = errors.New("the checkpoint has no tokenizer files: give token ids")

// Close releases the model's memory and its device. Sessions must not be used afterwards; they return errors.
func (m *Model) Close() error {
	m.closing.Do(func() {
		m.net.Close()
		m.closed = m.backend.Close()
	})
	return m.closed
}

// Info describes the model and where it runs.
func (m *Model) Info() Info {
	info := m.info
	info.Backend, info.Adapter, info.DeviceBytes = m.backend.Name(), m.backend.Adapter(), m.backend.Memory()
	return info
}

// Dispatches is how many kernels the device has launched so far for this model.
func (m *Model) Dispatches() int64 { return m.backend.Dispatches() }

// Tokenizer is the checkpoint's tokenizer, or nil where it has none.
func (m *Model) Tokenizer() *tokenizer.Tokenizer { return m.tokenizer }

// Encode is the token ids of a text, with the special tokens that the tokenizer puts around it where special is true.
func (m *Model) Encode(text string, special bool) ([]int32, error) {
	if m.tokenizer == nil {
		return nil, ErrNoTokenizer
	}
	return m.tokenizer.Encode(text, special)
}

// Generate continues a prompt in a session of its own; see Session.Generate.
func (m *Model) Generate(ctx context.Context, prompt string, options ...GenerateOption) iter.Seq2[Token, error] {
	return m.alone(func(s *Session) iter.Seq2[Token, error] { return s.Generate(ctx, prompt, options...) })
}

// GenerateIDs continues a prompt of token ids, taken as they are.
func (m *Model) GenerateIDs(ctx context.Context, ids []int32, options ...GenerateOption) iter.Seq2[Token, error] {
	return m.alone(func(s *Session) iter.Seq2[Token, error] { return s.GenerateIDs(ctx, ids, options...) })
}

// alone runs a generation in a session that ends with it.
func (m *Model) alone(generate func(*Session) iter.Seq2[Token, error]) iter.Seq2[Token, error] {
	return func(yield func(Token, error) bool) {
		s, err := m.NewSession()
		if err != nil {
			yield(Token{}, err)
			return
		}
		defer s.Close()
		generate(s)(yield)
	}
}

// checkPrompt refuses prompts that cannot follow the past tokens of a session. The last unread of their tokens need no
// place.
func (m *Model) checkPrompt(ids []int32, past, unread int) error {
	if len(ids) == 0 {
		return errors.New("the prompt is empty: give at least one token")
	}
	for i, id := range ids {
		if id < 0 || int(id) >= m.net.Spec.Vocab {
			return fmt.Errorf("token %d of the prompt is %d, outside the vocabulary of %d", i, id, m.net.Spec.Vocab)
		}
	}
	if past+len(ids)-unread > m.context {
		return fmt.Errorf("%w: %d tokens after %d, of %d; shorten it, or raise the context to %d",
			ErrContext, len(ids), past, m.context, past+len(ids))
	}
	return nil
}

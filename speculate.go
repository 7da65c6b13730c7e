package lrun

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/lrun/lrun/model"
)

// speculation is how tokens are guessed ahead, for the model to look at several in one step (arXiv 2211.17192).
//
// Each guess is one token, not a distribution. So the rule that is exact, to take it with the probability that the model gives
// it and else to draw from the rest, comes down to drawing after every guess as if it had not been there, and to keeping what
// was drawn as long as it is what was guessed: a seed gives the text that it gives without.
type speculation struct {
	tokens int    // guessed at once; 0: none are
	draft  *Model // guesses; nil: the text itself, looked up
}

// mostGuesses is how many tokens are guessed at once, at most.
const mostGuesses = 32

// The end of the text that is looked up in it: in tokens, the longest first.
const (
	longestGram  = 3
	shortestGram = 2
)

// WithLookup guesses up to n tokens at a time, 1 to 32, to be what followed the last few where they came before in the text
// (prompt lookup), and has the model look at all of them in one step. The text stays the same, but for rounding where two tokens
// are about as likely; it comes faster where it repeats what was there, as summaries and edits do. See WithDraft.
func WithLookup(n int) GenerateOption { return speculate(speculation{tokens: n}) }

// WithDraft is WithLookup with guesses of another model, smaller and with the same tokenizer, as long as the text fits its
// context. The session keeps a session of it: close it before that model. An answer under a memory that looks up or moves
// tokens (infllm, sirllm, lambda with a look-up) is an error with either; where a rope changes with every token, nothing is
// guessed.
func WithDraft(m *Model, n int) GenerateOption { return speculate(speculation{n, m}) }

func speculate(how speculation) GenerateOption {
	return func(o *generateOptions) error {
		if how.tokens < 1 || how.tokens > mostGuesses {
			return fmt.Errorf("%d tokens guessed at a time, want 1 to %d", how.tokens, mostGuesses)
		}
		o.speculation = how
		return nil
	}
}

// speculates prepares for guesses, where they are asked for.
func (s *Session) speculates(how speculation) error {
	if how.tokens == 0 {
		return nil
	}
	if err := s.m.net.Speculates(); err != nil {
		return err
	}
	if how.draft == nil || s.draft != nil && s.draft.m == how.draft {
		return nil
	}
	if err := s.m.sameTokens(how.draft); err != nil {
		return fmt.Errorf("the draft model: %w", err)
	}
	if err := s.closeDraft(); err != nil {
		return err
	}
	var err error
	s.draft, err = how.draft.NewSession()
	return err
}

// sameTokens says where ids mean something else to another model. One vocabulary may be longer.
func (m *Model) sameTokens(other *Model) error {
	if m.tokenizer == nil || other.tokenizer == nil {
		if a, b := m.net.Spec.Vocab, other.net.Spec.Vocab; a != b {
			return fmt.Errorf("a vocabulary of %d tokens, the model's has %d", b, a)
		}
		return nil
	}
	for id := range int32(min(m.tokenizer.VocabSize(), other.tokenizer.VocabSize())) {
		a, _ := m.tokenizer.Token(id)
		if b, _ := other.tokenizer.Token(id); a != b {
			return fmt.Errorf("its token %d is %q, the model's %q; both must have the same tokenizer", id, b, a)
		}
	}
	return nil
}

func (s *Session) closeDraft() error {
	if s.draft == nil {
		return nil
	}
	draft := s.draft
	s.draft = nil
	return draft.Close()
}

// verify guesses what follows token number made − 1, and sends the step that draws after each guess.
func (g *generation) verify(ctx context.Context, made int) error {
	if made == 0 { // drawn when the prompt was read
		return nil
	}
	s, n := g.s, g.o.speculation.tokens
	room, err := g.catchUp(ctx, n)
	if err != nil {
		return err
	}
	if g.guesses, err = s.guess(ctx, g.o.speculation, min(n, room, g.limit-made-1)); err != nil {
		return err
	}
	g.step = made
	g.result.Drafted += len(g.guesses)
	in := model.Input{IDs: append(slices.Clone(s.ids[s.seq.Len():]), g.guesses...), Rows: model.AllRows}
	if err := s.m.net.Forward(ctx, s.seq, in, g); err != nil {
		return err
	}
	g.look()
	return nil
}

// catchUp reads what of the text is too long for one step, and says how many guesses may follow the rest. It is more than a
// token where layers have states, which wrong guesses take back to the step before. That is read with the next guesses; but
// once it is more than them without any, so that it does not grow.
func (g *generation) catchUp(ctx context.Context, n int) (int, error) {
	s := g.s
	for {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		rest := s.ids[s.seq.Len():]
		fit := s.m.net.Alike(s.seq, len(rest)+n)
		switch {
		case fit < len(rest):
			if err := s.m.net.Forward(ctx, s.seq, model.Input{IDs: rest[:fit]}, nil); err != nil {
				return 0, err
			}
		case len(rest) > n:
			return 0, nil
		default:
			return fit - len(rest), nil
		}
	}
}

// accepted is what of the drawn stays: the tokens that were guessed right, and the one after them. What was read after these is
// taken back.
func (g *generation) accepted(drawn []byte) []byte {
	n := 0
	for n < len(g.guesses) && drawnID(drawn[n*drawnBytes:]) == g.guesses[n] {
		n++
		g.look()
	}
	g.result.Accepted += n
	if wrong := len(g.guesses) - n; wrong > 0 {
		g.s.m.net.Drop(g.s.seq, g.s.seq.Len()-wrong)
	}
	return drawn[:(n+1)*drawnBytes]
}

// guess is up to n tokens that may follow the text.
func (s *Session) guess(ctx context.Context, how speculation, n int) ([]int32, error) {
	if n < 1 {
		return nil, nil
	}
	if how.draft == nil {
		return lookUp(s.ids, n), nil
	}
	guesses, err := s.draft.continued(ctx, s.ids, n)
	if err != nil {
		return nil, fmt.Errorf("the draft model: %w", err)
	}
	if i := slices.IndexFunc(guesses, func(id int32) bool { return int(id) >= s.m.net.Spec.Vocab }); i >= 0 {
		guesses = guesses[:i]
	}
	return guesses, nil
}

// continued are the likeliest tokens after a text, up to n of them, none where it does not fit.
func (s *Session) continued(ctx context.Context, text []int32, n int) (ids []int32, err error) {
	keep := s.common(text)
	n = min(n, s.m.context-len(text))
	if n < 1 || slices.ContainsFunc(text[keep:], func(id int32) bool { return int(id) >= s.m.net.Spec.Vocab }) {
		return nil, nil
	}
	options := []GenerateOption{WithTemperature(0), WithRepetitionPenalty(1), WithMaxTokens(n), WithIgnoreEOS()}
	for t, err := range s.turn(ctx, options, func() (prompt, error) { return prompt{keep, text[keep:]}, nil }) {
		if err != nil {
			return nil, err
		}
		ids = append(ids, t.ID)
	}
	return ids, nil
}

// lookUp is n tokens that follow the text as they followed its last ones where these came before: the longest run of them, and
// of several places the last. A run that reaches into the guesses goes on with them.
func lookUp(text []int32, n int) []int32 {
	for gram := longestGram; gram >= shortestGram; gram-- {
		end := len(text)
		for at := end - 1; at >= gram; at-- {
			if !slices.Equal(text[at-gram:at], text[end-gram:]) {
				continue
			}
			guesses := slices.Clone(text[at:min(at+n, end)])
			for i := 0; len(guesses) < n; i++ {
				guesses = append(guesses, guesses[i])
			}
			return guesses
		}
	}
	return nil
}

// drawnBytes is what Sample leaves of a token: its id and its log-probability.
const drawnBytes = 8

// drawnID is the id of the first token of what was drawn.
func drawnID(drawn []byte) int32 { return int32(binary.LittleEndian.Uint32(drawn)) }

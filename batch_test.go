package lrun

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
)

// joining is a session of a batch's test: it joins when so many tokens have come in all.
type joining struct {
	prompt  []int32
	after   int
	options []GenerateOption
}

// joinings are sessions of different lengths.
func joinings() []joining {
	greedy := func(n int) []GenerateOption {
		return []GenerateOption{WithTemperature(0), WithIgnoreEOS(), WithMaxTokens(n)}
	}
	drawn := []GenerateOption{WithTemperature(0.8), WithSeed(7), WithIgnoreEOS(), WithMaxTokens(9), WithRepetitionPenalty(1.3)}
	return []joining{
		{someIDs(100), 0, greedy(12)}, {someIDs(300)[17:], 0, greedy(3)}, {someIDs(1), 0, greedy(20)},
		{someIDs(40)[9:], 5, drawn}, {someIDs(7), 21, greedy(4)}, {someIDs(280), 21, greedy(1)},
	}
}

// Ensure that sessions which join and leave a batch say what they say alone, whatever the memory, and that their results are
// there when they have left.
func TestBatchEqualsAlone(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(memories)) {
		onBackends(t, func(t *testing.T, m *Model) {
			all := joinings()
			want := make([][]Token, len(all))
			for i, j := range all {
				for token, err := range m.GenerateIDs(ctx, j.prompt, j.options...) {
					if err != nil {
						t.Fatal(err)
					}
					want[i] = append(want[i], token)
				}
			}
			got, results := batched(t, m, all)
			for i := range all {
				if e := differs(got[i], want[i]); e != "" {
					t.Errorf("%s, session %d: %s", name, i, e)
				}
				r := results[i]
				if r.Generated != len(want[i]) || r.PromptTokens != len(all[i].prompt) || r.FinishReason != FinishLength || r.Prefill <= 0 {
					t.Errorf("%s, session %d: %+v", name, i, r)
				}
			}
		}, WithMemory(memories[name]), WithAnyLength())
	}
}

// differs says how two runs of tokens differ, or nothing.
func differs(got, want []Token) string {
	if len(got) != len(want) {
		return fmt.Sprintf("%d tokens, want %d", len(got), len(want))
	}
	for i := range got {
		if got[i].ID != want[i].ID || got[i].Text != want[i].Text || !(math.Abs(got[i].LogProb-want[i].LogProb) < 1e-3) {
			return fmt.Sprintf("token %d is %+v, want %+v", i, got[i], want[i])
		}
	}
	return ""
}

// batched runs sessions together.
func batched(t *testing.T, m *Model, all []joining) (tokens [][]Token, results []Result) {
	t.Helper()
	b := m.NewBatch()
	tokens, results = make([][]Token, len(all)), make([]Result, len(all))
	number := map[*Session]int{}
	came, left := 0, 0
	join := func() {
		for i := len(number); i < len(all) && all[i].after <= came; i++ {
			s, err := m.NewSession()
			if err != nil {
				t.Fatal(err)
			}
			number[s] = i
			if err := b.AddIDs(ctx, s, all[i].prompt, append(all[i].options, WithResult(&results[i]))...); err != nil {
				t.Fatal(err)
			}
		}
	}
	join()
	for token, err := range b.Run(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		i := number[token.Session]
		tokens[i] = append(tokens[i], token.Token)
		if token.Last {
			left++
			if err := token.Session.Close(); err != nil {
				t.Errorf("session %d has left: %v", i, err)
			}
		}
		came++
		join()
	}
	if left != len(all) {
		t.Errorf("%d sessions have left, want %d", left, len(all))
	}
	return tokens, results
}

// Ensure that texts in a batch stop where they do alone, and that sessions go on from there by themselves.
func TestBatchOfTexts(t *testing.T) {
	onBackends(t, func(t *testing.T, m *Model) {
		options := []GenerateOption{WithTemperature(0), WithMaxTokens(30), WithStop("the", ".")}
		prompts := []string{"Once upon a time", "The bear said", "In the jungle there was a wolf, and"}
		b := m.NewBatch()
		texts := map[*Session]string{}
		var sessions []*Session
		for _, p := range prompts {
			s, err := m.NewSession()
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			sessions = append(sessions, s)
			if err := b.Add(ctx, s, p, options...); err != nil {
				t.Fatal(err)
			}
		}
		for token, err := range b.Run(ctx) {
			if err != nil {
				t.Fatal(err)
			}
			texts[token.Session] += token.Text
		}
		for i, s := range sessions {
			_, first := collect(t, m.Generate(ctx, prompts[i], options...))
			if texts[s] != first {
				t.Errorf("%q goes on with %q in a batch, with %q alone", prompts[i], texts[s], first)
			}
			text := append(s.IDs(), 5, 6)
			got, _ := collect(t, s.GenerateIDs(ctx, []int32{5, 6}, options...))
			if want, _ := collect(t, m.GenerateIDs(ctx, text, options...)); !slices.Equal(got, want) {
				t.Errorf("%q goes on after a batch with %v, from scratch %v", prompts[i], got, want)
			}
		}
	})
}

// Ensure that a session whose context is cancelled leaves alone, that a caller which stops reading frees all, and that what
// cannot join is told why.
func TestBatchLeaving(t *testing.T) {
	onBackends(t, func(t *testing.T, m *Model) {
		b := m.NewBatch()
		one, two := newSession(t, m), newSession(t, m)
		var r Result
		cancelled, cancel := context.WithCancel(ctx)
		defer cancel()
		long := []GenerateOption{WithTemperature(0), WithIgnoreEOS(), WithMaxTokens(50)}
		if err := b.AddIDs(cancelled, one, someIDs(20), append(long, WithResult(&r))...); err != nil {
			t.Fatal(err)
		}
		if err := b.AddIDs(ctx, two, someIDs(30), long...); err != nil {
			t.Fatal(err)
		}
		if err := b.AddIDs(ctx, one, someIDs(3)); !errors.Is(err, errBusy) {
			t.Errorf("a session twice: %v", err)
		}
		if err := b.AddIDs(ctx, newSession(t, m), nil); err == nil {
			t.Error("an empty prompt is no error")
		}
		if err := b.AddIDs(ctx, newSession(t, m), someIDs(3), WithLookup(3)); err == nil {
			t.Error("a batch guesses tokens")
		}
		if err := b.AddIDs(ctx, newSession(t, tiny(t, "cpu")), someIDs(3)); err == nil {
			t.Error("a session of another model is no error")
		}
		count := map[*Session]int{}
		for token, err := range b.Run(ctx) {
			if err != nil {
				if token.Session != one || !errors.Is(err, context.Canceled) {
					t.Fatalf("%+v: %v", token, err)
				}
				continue
			}
			if count[token.Session]++; count[one] == 3 {
				cancel()
			}
			if count[two] == 10 {
				break
			}
		}
		if count[one] > 4 || count[two] != 10 || r.FinishReason != FinishCancelled || r.Generated < 3 {
			t.Errorf("%d and %d tokens, %+v", count[one], count[two], r)
		}
		for _, s := range []*Session{one, two} {
			text := append(s.IDs(), 5)
			got, _ := collect(t, s.GenerateIDs(ctx, []int32{5}, long[0], WithMaxTokens(4)))
			if want, _ := collect(t, m.GenerateIDs(ctx, text, long[0], WithMaxTokens(4))); !slices.Equal(got, want) {
				t.Errorf("a session that left goes on with %v, from scratch %v", got, want)
			}
		}
		for token := range b.Run(ctx) {
			t.Errorf("the batch is not empty: %+v", token)
		}
	})
}

// Ensure that texts scored together have the scores that each has alone, whatever the memory, and that an error names the text.
func TestScoreAll(t *testing.T) {
	texts := [][]int32{someIDs(20), someIDs(1), someIDs(300)[3:], someIDs(2), someIDs(90)[7:], someIDs(1), someIDs(400)[140:]}
	for _, name := range []string{"full", "lambda", "infllm"} {
		onBackends(t, func(t *testing.T, m *Model) {
			got := make([][]float64, len(texts))
			for s, err := range m.ScoreAll(ctx, texts) {
				if err != nil {
					t.Fatal(err)
				}
				if s.Token != len(got[s.Text]) {
					t.Fatalf("%s: token %d of text %d after %d", name, s.Token, s.Text, len(got[s.Text]))
				}
				got[s.Text] = append(got[s.Text], s.LogProb)
			}
			for i, ids := range texts {
				want, err := m.ScoreIDs(ctx, ids)
				if err != nil || len(got[i]) != len(want) {
					t.Fatalf("%s, text %d: %d scores, want %d, %v", name, i, len(got[i]), len(want), err)
				}
				for k := range want {
					if e := math.Abs(got[i][k] - want[k]); k > 0 && !(e < 1e-3) || math.IsNaN(got[i][k]) != (k == 0) {
						t.Errorf("%s, text %d, token %d: %v, alone %v", name, i, k, got[i][k], want[k])
					}
				}
			}
			for s := range m.ScoreAll(ctx, texts) {
				if s.Text == 2 && s.Token == 50 {
					break
				}
			}
			for _, err := range m.ScoreAll(ctx, [][]int32{{1, 2}, {1, -1}}) {
				if err == nil || !strings.Contains(err.Error(), "text 1") {
					t.Errorf("%s: an id that is not there: %v", name, err)
				}
			}
		}, WithMemory(memories[name]), WithAnyLength())
	}
}

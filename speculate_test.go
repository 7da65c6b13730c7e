package lrun

import (
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lrun/lrun/internal/testkit"
)

// drawnTokens runs a generation to its end, the tokens with all that is known of them.
func drawnTokens(t *testing.T, tokens func(func(Token, error) bool)) (all []Token) {
	t.Helper()
	for token, err := range tokens {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, token)
	}
	return all
}

// sameAnswer compares tokens; log-probabilities may differ by rounding, since several tokens go through other kernels than one.
func sameAnswer(t *testing.T, name string, got, want []Token) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d tokens, without guesses %d", name, len(got), len(want))
		return
	}
	for i := range want {
		if got[i].ID != want[i].ID || got[i].Text != want[i].Text || math.Abs(got[i].LogProb-want[i].LogProb) > 1e-4 {
			t.Errorf("%s: token %d is %+v, without guesses %+v", name, i, got[i], want[i])
			return
		}
	}
}

// speculations are ways of guessing: from the text, by the model itself, which is nearly always right, and by a draft that
// knows nothing, whose guesses are wrong.
func speculations(t *testing.T, m *Model, dir string) map[string]GenerateOption {
	t.Helper()
	wrong, err := Open(dir, WithBackend("cpu"), WithAnyLength(), WithRandomWeights("f32"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { wrong.Close() })
	return map[string]GenerateOption{
		"lookup 1": WithLookup(1), "lookup 7": WithLookup(7), "itself": WithDraft(m, 4), "a wrong draft": WithDraft(wrong, 5),
	}
}

// Ensure that guesses change no token of any answer, greedy or drawn, with penalties and stops, in turns of one session; that a
// model which guesses for itself is right, and one of random weights is not.
func TestSpeculationChangesNothing(t *testing.T) {
	dir := testkit.Testdata("tiny")
	ways := map[string][]GenerateOption{
		"greedy":      {WithTemperature(0)},
		"drawn":       {WithTemperature(0.8), WithTopP(0.95), WithSeed(3)},
		"penalised":   {WithTemperature(0.7), WithSeed(4), WithRepetitionPenalty(1.3), WithFrequencyPenalty(0.2)},
		"stop text":   {WithTemperature(0), WithStop("fire, the")},
		"to the end":  {WithTemperature(0), WithMaxTokens(100), WithIgnoreEOS()},
		"one token":   {WithTemperature(0), WithMaxTokens(1)},
		"stop tokens": {WithTemperature(0.8), WithSeed(5), WithStopTokens(13, 18)},
	}
	prompts := []string{"Once upon a time", " and the wolf said, and the wolf said, and the wolf", " in the jungle"}
	onBackends(t, func(t *testing.T, m *Model) {
		for method, guess := range speculations(t, m, dir) {
			for way, options := range ways {
				plain, guessed := newSession(t, m), newSession(t, m)
				var drafted, accepted int
				for _, text := range prompts {
					var a, b Result
					options := append([]GenerateOption{WithMaxTokens(24)}, options...)
					want := drawnTokens(t, plain.Generate(ctx, text, append(options, WithResult(&a))...))
					got := drawnTokens(t, guessed.Generate(ctx, text, append(options, guess, WithResult(&b))...))
					sameAnswer(t, method+", "+way, got, want)
					if !slices.Equal(plain.IDs(), guessed.IDs()) || a.FinishReason != b.FinishReason || a.Generated != b.Generated {
						t.Errorf("%s, %s: %+v, without guesses %+v", method, way, b, a)
					}
					drafted, accepted = drafted+b.Drafted, accepted+b.Accepted
				}
				t.Logf("%s, %s: %d of %d right", method, way, accepted, drafted)
				if way == "to the end" && (method == "itself" && accepted < drafted*3/4 || method == "lookup 7" && accepted < 20 || drafted == 0) {
					t.Errorf("%s: %d of %d guesses are right", method, accepted, drafted)
				}
				if method == "a wrong draft" && accepted > drafted/4 {
					t.Errorf("random weights guess %d of %d", accepted, drafted)
				}
			}
		}
	}, WithAnyLength())
}

// Ensure that guesses change nothing where a wrong one takes states back, in turns of one session.
func TestSpeculationWithStates(t *testing.T) {
	onCarriers(t, func(t *testing.T, m *Model, name string) { speculatedTurns(t, m, testkit.Testdata("golden", name)) })
}

// Ensure that guesses change nothing under memories that forget, past what they see, and that those which cannot take tokens
// back say so.
func TestSpeculationWithMemories(t *testing.T) {
	for name, policy := range memories {
		onBackends(t, func(t *testing.T, m *Model) {
			if name != "infllm" && name != "sirllm" {
				speculatedTurns(t, m, testkit.Testdata("tiny"))
				return
			}
			err := failure(m.GenerateIDs(ctx, someIDs(9), WithLookup(4)))
			if err == nil || !strings.Contains(err.Error(), "guessed ahead") {
				t.Errorf("%s: %v", name, err)
			}
		}, WithMemory(policy), WithAnyLength())
	}
}

// speculatedTurns compares the turns of sessions with guesses with those of one without.
func speculatedTurns(t *testing.T, m *Model, dir string) {
	t.Helper()
	for method, guess := range speculations(t, m, dir) {
		plain, guessed := newSession(t, m), newSession(t, m)
		for i := range 3 {
			ids := append(randomIDs(50*i, 30), randomIDs(50*i, 20+i)...)
			options := []GenerateOption{WithTemperature(0), WithMaxTokens(30), WithIgnoreEOS()}
			want := drawnTokens(t, plain.GenerateIDs(ctx, ids, options...))
			var r Result
			got := drawnTokens(t, guessed.GenerateIDs(ctx, ids, append(options, guess, WithResult(&r))...))
			sameAnswer(t, method, got, want)
			t.Logf("%s: %d of %d right", method, r.Accepted, r.Drafted)
		}
	}
}

// Ensure that guesses change nothing in each architecture of the fixtures.
func TestSpeculationOfArchitectures(t *testing.T) {
	for _, b := range testkit.Backends(t) {
		for _, dir := range testkit.Fixtures(t) {
			name := filepath.Base(dir)
			m, err := Open(dir, WithBackend(b.Name()))
			if err != nil {
				continue // of an architecture that does not generate
			}
			ids := append(randomIDs(0, 20), randomIDs(0, 10)...)
			options := []GenerateOption{WithTemperature(0), WithMaxTokens(24), WithIgnoreEOS()}
			want := drawnTokens(t, m.GenerateIDs(ctx, ids, options...))
			var r Result
			for _, guess := range []GenerateOption{WithLookup(5), WithDraft(m, 3)} {
				sameAnswer(t, b.Name()+"/"+name, drawnTokens(t, m.GenerateIDs(ctx, ids, append(options, guess, WithResult(&r))...)), want)
			}
			t.Logf("%s: %d of %d right", name, r.Accepted, r.Drafted)
			if err := m.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// Ensure that a draft with other tokens, and numbers of guesses that cannot be, are errors that say so.
func TestSpeculationErrors(t *testing.T) {
	m := tiny(t, "cpu")
	other, err := Open(testkit.Testdata("golden", "jamba"), WithBackend("cpu"))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	for want, guess := range map[string]GenerateOption{
		"want 1 to 32": WithLookup(33), "0 tokens guessed": WithDraft(m, 0), "the draft model: a vocabulary of": WithDraft(other, 3),
	} {
		if err := failure(m.GenerateIDs(ctx, []int32{1, 2}, guess)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// Ensure that the longest end of the text is found in it, the last time it came, and that a run goes on with itself.
func TestLookUp(t *testing.T) {
	for _, c := range []struct{ text, want []int32 }{
		{[]int32{1, 2, 3}, nil},
		{[]int32{5, 1, 5}, nil},
		{[]int32{1, 2, 7, 8, 9, 1, 2}, []int32{7, 8, 9, 1}},
		{[]int32{1, 2, 7, 1, 2, 8, 3, 1, 2}, []int32{8, 3, 1, 2}},
		{[]int32{9, 1, 2, 7, 4, 4, 1, 2, 8, 9, 1, 2}, []int32{7, 4, 4, 1}},
		{[]int32{1, 2, 1, 2}, []int32{1, 2, 1, 2}},
		{[]int32{6, 6, 6}, []int32{6, 6, 6, 6}},
	} {
		if got := lookUp(c.text, 4); !slices.Equal(got, c.want) {
			t.Errorf("%v is followed by %v, want %v", c.text, got, c.want)
		}
	}
}

package lrun

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lrun/lrun/internal/testkit"
	"github.com/lrun/lrun/testdata"
	"github.com/lrun/lrun/weights"
)

// onBackends runs a test with the embedded model on every backend of this machine.
func onBackends(t *testing.T, test func(t *testing.T, m *Model), options ...Option) {
	for _, b := range testkit.Backends(t) {
		t.Run(b.Name(), func(t *testing.T) { test(t, tiny(t, b.Name(), options...)) })
	}
}

// tiny opens the embedded model for the duration of a test.
func tiny(t testing.TB, backend string, options ...Option) *Model {
	t.Helper()
	m, err := OpenFS(testdata.Tiny(), "tiny", append(options, WithBackend(backend))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		m.net.Close()
		if held := m.backend.Memory(); held != 0 {
			t.Errorf("%d bytes of the device are still held", held)
		}
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

// golden is the reference's run of the embedded model.
func golden(t *testing.T) (ids []int32, greedy []int64, logits []float32) {
	t.Helper()
	file, err := weights.OpenFile(testkit.Testdata("tiny-data", "golden.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	read := func(name string) *weights.Tensor {
		tensor, ok := file.Tensor(name)
		if !ok {
			t.Fatalf("no %s", name)
		}
		return tensor
	}
	input, err := read("input_ids").Int64s()
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range input {
		ids = append(ids, int32(id))
	}
	if greedy, err = read("greedy_ids").Int64s(); err != nil {
		t.Fatal(err)
	}
	return ids, greedy, read("logits").Float32s()
}

// collect runs a generation to its end.
func collect(t *testing.T, tokens func(func(Token, error) bool)) (ids []int32, text string) {
	t.Helper()
	for token, err := range tokens {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, token.ID)
		text += token.Text
	}
	return ids, text
}

// failure is the error that a generation ends with.
func failure(tokens func(func(Token, error) bool)) (err error) {
	for _, e := range tokens {
		err = e
	}
	return err
}

var ctx = context.Background()

// Ensure that the embedded model's logits and greedy continuation are the reference's.
func TestTinyIsTheReference(t *testing.T) {
	onBackends(t, func(t *testing.T, m *Model) { isReference(t, m, 2e-3) })
}

// Ensure that smaller caches keep the greedy continuation, and the logits close.
func TestTinyWithSmallKV(t *testing.T) {
	for kv, tolerance := range map[string]float64{"f16": 1e-2, "q8": 0.2} {
		t.Run(kv, func(t *testing.T) {
			onBackends(t, func(t *testing.T, m *Model) { isReference(t, m, tolerance) }, WithKV(kv))
		})
	}
}

// isReference compares the model with the reference's run.
func isReference(t *testing.T, m *Model, tolerance float64) {
	t.Helper()
	ids, greedy, want := golden(t)
	worst := 0.0
	err := m.Logits(ctx, ids, func(token int, logits []float32) error {
		for i, v := range logits {
			worst = max(worst, math.Abs(float64(v-want[token*len(logits)+i])))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("largest logit error %.2e", worst)
	if worst > tolerance || math.IsNaN(worst) {
		t.Errorf("logits differ by %.3g, at most %g is allowed", worst, tolerance)
	}
	got, _ := collect(t, m.GenerateIDs(ctx, ids, WithTemperature(0), WithMaxTokens(len(greedy))))
	for i := range greedy {
		if int64(got[i]) != greedy[i] {
			t.Fatalf("greedy id %d is %d, want %d", i, got[i], greedy[i])
		}
	}
}

// Ensure that turns of a session give what the whole text gives from scratch, and read only what is new.
func TestSessionEqualsScratch(t *testing.T) {
	onBackends(t, func(t *testing.T, m *Model) {
		s, err := m.NewSession()
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		var r Result
		options := []GenerateOption{WithTemperature(0), WithMaxTokens(9), WithResult(&r)}
		collect(t, s.Generate(ctx, "The bear said", options...))
		for _, prompt := range []string{" and the wolf", " in the jungle"} {
			ids, err := m.Encode(prompt, false)
			if err != nil {
				t.Fatal(err)
			}
			text := append(s.IDs(), ids...)
			got, _ := collect(t, s.Generate(ctx, prompt, options...))
			if r.CachedTokens < len(text)-len(ids)-1 || r.PromptTokens != len(ids) {
				t.Errorf("%+v: want all but the last of %d tokens in the cache", r, len(text)-len(ids))
			}
			want, _ := collect(t, m.GenerateIDs(ctx, text, options...))
			if !slices.Equal(got, want) {
				t.Errorf("the session gives %v, from scratch %v", got, want)
			}
		}
	})
}

// Ensure that Score is the log-softmax of the logits, and that generated tokens carry the same numbers.
func TestScoreAgreesWithGeneration(t *testing.T) {
	onBackends(t, func(t *testing.T, m *Model) {
		ids := []int32{0}
		var made []float64
		for token, err := range m.GenerateIDs(ctx, ids, WithTemperature(0.8), WithSeed(3), WithMaxTokens(40)) {
			if err != nil {
				t.Fatal(err)
			}
			ids, made = append(ids, token.ID), append(made, token.LogProb)
		}
		scored, err := m.ScoreIDs(ctx, ids)
		if err != nil {
			t.Fatal(err)
		}
		if !math.IsNaN(scored[0]) || len(scored) != len(ids) {
			t.Fatalf("%d scores for %d tokens, the first %v", len(scored), len(ids), scored[0])
		}
		for i, p := range made {
			if math.Abs(p-scored[i+1]) > 1e-4 || p > 0 {
				t.Errorf("token %d: %v when made, %v when scored", i, p, scored[i+1])
			}
		}
	})
}

// Ensure that a seed gives one text and another seed another, and that both backends draw alike.
func TestSeed(t *testing.T) {
	var texts []string
	onBackends(t, func(t *testing.T, m *Model) {
		draw := func(seed uint32) string {
			_, text := collect(t, m.Generate(ctx, "Once upon a time", WithTemperature(0.9), WithSeed(seed), WithMaxTokens(30)))
			return text
		}
		first := draw(1)
		if again := draw(1); again != first {
			t.Errorf("seed 1 gives %q and then %q", first, again)
		}
		if other := draw(2); other == first {
			t.Errorf("seeds 1 and 2 both give %q", first)
		}
		texts = append(texts, first)
	})
	for _, text := range texts {
		if text != texts[0] {
			t.Errorf("backends differ: %q and %q", texts[0], text)
		}
	}
}

// Ensure that each cut to the likeliest token alone is greedy, and that penalties keep tokens from coming again.
func TestSamplingOptions(t *testing.T) {
	onBackends(t, func(t *testing.T, m *Model) {
		run := func(options ...GenerateOption) []int32 {
			ids, _ := collect(t, m.Generate(ctx, "Once upon a time", append(options, WithMaxTokens(40), WithIgnoreEOS())...))
			return ids
		}
		greedy := run(WithTemperature(0))
		for name, cut := range map[string]GenerateOption{
			"top-k 1": WithTopK(1), "top-p": WithTopP(1e-6), "top-p 0": WithTopP(0), "min-p 1": WithMinP(1),
			"temperature 1e-38": WithTemperature(1e-38),
		} {
			ids := run(WithTemperature(1), WithTopK(0), WithTopP(1), cut)
			if !slices.Equal(ids, greedy) {
				t.Errorf("%s gives %v, greedy %v", name, ids, greedy)
			}
		}
		for name, penalty := range map[string]GenerateOption{
			"presence": WithPresencePenalty(100), "frequency": WithFrequencyPenalty(100), "repetition": WithRepetitionPenalty(100),
		} {
			ids := run(WithTemperature(0), penalty)
			if slices.Equal(ids, greedy) {
				t.Errorf("a %s penalty changes nothing", name)
			}
			sorted := slices.Clone(ids)
			slices.Sort(sorted)
			if name != "repetition" && len(slices.Compact(sorted)) != len(ids) {
				t.Errorf("with a %s penalty of 100 tokens repeat: %v", name, ids)
			}
		}
	})
}

// Ensure that stop texts, stop tokens and limits end a generation where they should.
func TestStops(t *testing.T) {
	onBackends(t, func(t *testing.T, m *Model) {
		var r Result
		run := func(options ...GenerateOption) ([]int32, string) {
			options = append(options, WithTemperature(0), WithResult(&r))
			return collect(t, m.Generate(ctx, "Once upon a time", options...))
		}
		all, text := run(WithMaxTokens(30))
		if r.FinishReason != FinishLength || r.Generated != 30 || len(all) != 30 {
			t.Errorf("%+v with %d tokens, want 30 and length", r, len(all))
		}
		at := strings.Index(text, "fire, the")
		if _, got := run(WithMaxTokens(30), WithStop("nowhere", "fire, the")); got != text[:at] || r.FinishReason != FinishStop {
			t.Errorf("stop text: %q (%s), want %q", got, r.FinishReason, text[:at])
		}
		if _, got := run(WithMaxTokens(30), WithStop("fire, the moon")); got != text {
			t.Errorf("a stop text that nearly comes: %q, want %q", got, text)
		}
		got, _ := run(WithMaxTokens(30), WithStopTokens(all[5]))
		if want := slices.Index(all, all[5]) + 1; len(got) != want || r.FinishReason != FinishStop {
			t.Errorf("stop token: %d tokens (%s), want %d", len(got), r.FinishReason, want)
		}
	})
}

// Ensure that generation without a limit ends with the context, and that an explicit one goes past it.
func TestContextEnd(t *testing.T) {
	onBackends(t, func(t *testing.T, m *Model) {
		m.defaults.MaxNewTokens = nil
		ids, _, _ := golden(t)
		var r Result
		collect(t, m.GenerateIDs(ctx, ids, WithTemperature(0), WithIgnoreEOS(), WithResult(&r)))
		if want := 256 - len(ids) + 1; r.Generated != want || r.FinishReason != FinishLength {
			t.Errorf("%+v, want %d tokens", r, want)
		}
		collect(t, m.GenerateIDs(ctx, ids, WithTemperature(0), WithIgnoreEOS(), WithMaxTokens(70), WithResult(&r)))
		if r.Generated != 70 {
			t.Errorf("%+v, want 70 tokens", r)
		}
	})
}

// Ensure that a context which was asked for holds against a larger number of tokens.
func TestContextAskedForHolds(t *testing.T) {
	onBackends(t, func(t *testing.T, m *Model) {
		var r Result
		collect(t, m.GenerateIDs(ctx, make([]int32, 10), WithIgnoreEOS(), WithMaxTokens(100), WithResult(&r)))
		if want := 16 - 10 + 1; r.Generated != want || r.FinishReason != FinishLength {
			t.Errorf("%+v, want %d tokens", r, want)
		}
	}, WithContext(16))
}

// Ensure that prompts which cannot be read are errors that say why, and leave a session as it was.
func TestPromptErrors(t *testing.T) {
	onBackends(t, func(t *testing.T, m *Model) {
		s, err := m.NewSession()
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		for _, c := range []struct {
			ids  []int32
			want string
		}{
			{nil, "the prompt is empty"},
			{[]int32{5, 1024}, "token 1 of the prompt is 1024, outside the vocabulary of 1024"},
			{[]int32{-1}, "token 0 of the prompt is -1"},
			{make([]int32, 257), "longer than the context: 257 tokens after 0, of 256"},
		} {
			if err := failure(s.GenerateIDs(ctx, c.ids)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%d ids: error %v, want %q", len(c.ids), err, c.want)
			}
		}
		if err := failure(s.GenerateIDs(ctx, make([]int32, 257))); !errors.Is(err, ErrContext) {
			t.Errorf("error %v, want ErrContext", err)
		}
		if err := failure(s.Generate(ctx, "")); err == nil {
			t.Error("an empty text is no error")
		}
		if len(s.IDs()) != 0 {
			t.Errorf("failed prompts left %d tokens", len(s.IDs()))
		}
		if _, err := m.Score(ctx, strings.Repeat("long ", 300)); !errors.Is(err, ErrContext) {
			t.Errorf("score of a long text: %v", err)
		}
	})
}

// Ensure that a cancelled context ends a generation between tokens, and the session goes on afterwards.
func TestCancel(t *testing.T) {
	onBackends(t, func(t *testing.T, m *Model) {
		s, err := m.NewSession()
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		cancelled, cancel := context.WithCancel(ctx)
		defer cancel()
		var r Result
		n := 0
		var last error
		for _, err := range s.Generate(cancelled, "Once upon a time", WithTemperature(0), WithResult(&r), WithMaxTokens(100)) {
			if last = err; err != nil {
				break
			}
			if n++; n == 5 {
				cancel()
			}
		}
		if !errors.Is(last, context.Canceled) || n != 5 || r.FinishReason != FinishCancelled {
			t.Errorf("after %d tokens: %v, %+v", n, last, r)
		}
		text := s.IDs()
		got, _ := collect(t, s.Generate(ctx, " and", WithTemperature(0), WithMaxTokens(5)))
		ids, err := m.Encode(" and", false)
		if err != nil {
			t.Fatal(err)
		}
		want, _ := collect(t, m.GenerateIDs(ctx, append(text, ids...), WithTemperature(0), WithMaxTokens(5)))
		if !slices.Equal(got, want) {
			t.Errorf("after a cancelled turn %v, from scratch %v", got, want)
		}
	})
}

// Ensure that sessions of one model at once give what each gives alone.
func TestConcurrentSessions(t *testing.T) {
	onBackends(t, func(t *testing.T, m *Model) {
		prompts := []string{"Once upon a time", "The bear said", "In the jungle", "Mowgli"}
		run := func(prompt string) string {
			_, text := collect(t, m.Generate(ctx, prompt, WithTemperature(0.8), WithSeed(7), WithMaxTokens(24)))
			return text
		}
		var alone, together [4]string
		for i, p := range prompts {
			alone[i] = run(p)
		}
		var wait sync.WaitGroup
		for i, p := range prompts {
			wait.Go(func() { together[i] = run(p) })
		}
		wait.Wait()
		if alone != together {
			t.Errorf("alone %q\ntogether %q", alone, together)
		}
	})
}

// Ensure that a generation which is cut short gives the tokens held back for a stop text, and says how it went; that the
// session's text can be read meanwhile; and that a turn which is refused changes neither text nor cache.
func TestCutShort(t *testing.T) {
	onBackends(t, func(t *testing.T, m *Model) {
		_, text := collect(t, m.Generate(ctx, "Once upon a time", WithTemperature(0), WithMaxTokens(12)))
		s, err := m.NewSession()
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		cancelled, cancel := context.WithCancel(ctx)
		var wait sync.WaitGroup
		wait.Go(func() {
			for len(s.IDs()) < 12 {
				time.Sleep(time.Millisecond)
			}
			cancel()
		})
		var r Result
		var got string
		var last error
		options := []GenerateOption{WithTemperature(0), WithMaxTokens(230), WithStop(text + "never"), WithResult(&r)}
		for token, err := range s.Generate(cancelled, "Once upon a time", options...) {
			got += token.Text
			last = err
		}
		wait.Wait()
		if !errors.Is(last, context.Canceled) || r.FinishReason != FinishCancelled || got == "" {
			t.Errorf("%q, %v, %+v", got, last, r)
		}
		if want := m.tokenizer.Decode(s.IDs()[r.PromptTokens:], true); got != want {
			t.Errorf("given %q, made %q", got, want)
		}
		before := s.IDs()
		for _, wrong := range []GenerateOption{WithTopP(7), WithMaxTokens(0), WithTemperature(math.NaN())} {
			r = Result{}
			if err := failure(s.GenerateIDs(ctx, []int32{1}, wrong, WithResult(&r))); err == nil || r.FinishReason != FinishError {
				t.Errorf("a wrong option: %v, %+v", err, r)
			}
		}
		if !slices.Equal(s.IDs(), before) {
			t.Errorf("refused turns left %v of %v", s.IDs(), before)
		}
	})
}

// Ensure that a session refuses a second call at once, and everything after the model's Close.
func TestMisuse(t *testing.T) {
	onBackends(t, func(t *testing.T, m *Model) {
		s, err := m.NewSession()
		if err != nil {
			t.Fatal(err)
		}
		for range s.Generate(ctx, "The", WithMaxTokens(3)) {
			if err := failure(s.Generate(ctx, "The")); !errors.Is(err, errBusy) {
				t.Errorf("a call within a call: %v", err)
			}
		}
		if err := errors.Join(s.Close(), s.Close()); err != nil {
			t.Errorf("closing twice: %v", err)
		}
		if err := failure(s.Generate(ctx, "The")); err == nil {
			t.Error("a closed session generates")
		}
		m.net.Close()
		if err := failure(m.Generate(ctx, "The")); err == nil {
			t.Error("a closed model generates")
		}
		if _, err := m.Score(ctx, "The"); err == nil {
			t.Error("a closed model scores")
		}
	})
}

// Ensure that a session outliving its model gives errors, and can be closed still.
func TestModelClosedFirst(t *testing.T) {
	for _, b := range testkit.Backends(t) {
		t.Run(b.Name(), func(t *testing.T) {
			m, err := OpenFS(testdata.Tiny(), "tiny", WithBackend(b.Name()))
			if err != nil {
				t.Fatal(err)
			}
			s, err := m.NewSession()
			if err != nil {
				t.Fatal(err)
			}
			collect(t, s.Generate(ctx, "The", WithMaxTokens(3)))
			if err := errors.Join(m.Close(), m.Close()); err != nil {
				t.Error(err)
			}
			for _, options := range [][]GenerateOption{nil, {WithPresencePenalty(1)}} {
				if err := failure(s.Generate(ctx, " bear", options...)); err == nil {
					t.Error("a session of a closed model generates")
				}
			}
			if _, err := m.NewSession(); err == nil {
				t.Error("a closed model starts a session")
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// Ensure that folders which are no checkpoints are errors that name what is wrong.
func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		dir, want string
		options   []Option
	}{
		{filepath.Join(dir, "none"), "there is no folder", nil},
		{file, "is a file; name the folder", nil},
		{dir, "is not a checkpoint folder", nil},
		{testkit.Testdata("tiny"), `backend "gpu" is not one of`, []Option{WithBackend("gpu")}},
		{testkit.Testdata("tiny"), "context of 0 tokens", []Option{WithContext(0)}},
		{testkit.Testdata("golden", "gpt2"), "learned positions end at 96", []Option{WithContext(97)}},
	} {
		m, err := Open(c.dir, c.options...)
		if err == nil {
			m.Close()
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.dir, err, c.want)
		}
	}
}

// newSession is a session for the duration of a test.
func newSession(t *testing.T, m *Model) *Session {
	t.Helper()
	s, err := m.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

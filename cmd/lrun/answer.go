package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/lrun/lrun"
)

// answer is what a generation made, as --json prints it.
type answer struct {
	IDs             []int32  `json:"ids"`
	Text            string   `json:"text"`
	FinishReason    string   `json:"finish_reason"`
	PromptTokens    int      `json:"prompt_tokens"`
	CachedTokens    int      `json:"cached_tokens"`
	KeptTokens      int      `json:"kept_tokens"`
	DroppedTokens   int      `json:"dropped_tokens"`
	GeneratedTokens int      `json:"generated_tokens"`
	DraftedTokens   int      `json:"drafted_tokens"`
	AcceptedTokens  int      `json:"accepted_tokens"`
	Seed            uint32   `json:"seed"`
	FirstSeconds    float64  `json:"first_token_seconds,omitempty"` // from the start of the program to the first token
	PrefillSeconds  float64  `json:"prefill_seconds"`
	DecodeSeconds   float64  `json:"decode_seconds"`
	PrefillRate     *float64 `json:"prefill_tokens_per_second"`
	DecodeRate      *float64 `json:"decode_tokens_per_second"`
	Backend         string   `json:"backend"`
	Adapter         string   `json:"adapter"`
	LogProbs        []token  `json:"logprobs,omitempty"`

	Memory lrun.MemoryStats `json:"memory"`
}

// token is a token and the ln of its probability.
type token struct {
	ID      int32    `json:"id"`
	Text    string   `json:"text"`
	LogProb *float64 `json:"logprob"`
}

// finite is v, or nil, JSON's null, where v is NaN or infinite, which JSON does not have.
func finite(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}

// view is how an answer appears while it is made.
type view struct {
	json     bool // only as a whole, at the end
	logProbs bool // a line for each token, in place of the text

	started time.Time // from when on the first token is timed; zero: it is not
}

// generate runs a generation, shows it, and collects it. The error is the context's where that was cancelled; the answer
// then holds what was made.
func (v view) generate(m *lrun.Model, out io.Writer, start func(lrun.GenerateOption) iter.Seq2[lrun.Token, error]) (*answer, error) {
	a := &answer{IDs: []int32{}}
	var text strings.Builder
	var result lrun.Result
	var failed error
	for t, err := range start(lrun.WithResult(&result)) {
		if err == nil {
			if len(a.IDs) == 0 && !v.started.IsZero() {
				a.FirstSeconds = time.Since(v.started).Seconds()
			}
			a.IDs = append(a.IDs, t.ID)
			text.WriteString(t.Text)
			if v.logProbs {
				a.LogProbs = append(a.LogProbs, token{t.ID, t.Text, finite(t.LogProb)})
			}
			err = v.show(out, m, a, t)
		}
		if err != nil {
			failed = err
			break
		}
	}
	a.Text = text.String()
	a.fill(m.Info(), result)
	return a, errors.Join(failed, v.end(out, a, failed))
}

// show shows the token that a ends with: its text, or its id where the checkpoint has no tokenizer.
func (v view) show(out io.Writer, m *lrun.Model, a *answer, t lrun.Token) (err error) {
	switch {
	case v.json:
	case v.logProbs:
		_, err = fmt.Fprintf(out, "%9.4f %6d %q\n", t.LogProb, t.ID, t.Text)
	case m.Tokenizer() == nil && len(a.IDs) > 1:
		_, err = fmt.Fprintf(out, " %d", t.ID)
	case m.Tokenizer() == nil:
		_, err = fmt.Fprint(out, t.ID)
	default:
		_, err = io.WriteString(out, t.Text)
	}
	return err
}

// end completes the output: the object, or the line.
func (v view) end(out io.Writer, a *answer, failed error) (err error) {
	switch {
	case v.json && (failed == nil || errors.Is(failed, context.Canceled)):
		err = printJSON(out, a)
	case !v.json && !v.logProbs && len(a.IDs) > 0 && !strings.HasSuffix(a.Text, "\n"):
		_, err = io.WriteString(out, "\n")
	}
	return err
}

func (a *answer) fill(info lrun.Info, r lrun.Result) {
	a.FinishReason = r.FinishReason
	a.PromptTokens, a.CachedTokens, a.KeptTokens, a.DroppedTokens = r.PromptTokens, r.CachedTokens, r.Kept, r.Dropped
	a.GeneratedTokens, a.Seed = r.Generated, r.Seed
	a.DraftedTokens, a.AcceptedTokens = r.Drafted, r.Accepted
	a.PrefillSeconds, a.DecodeSeconds = r.Prefill.Seconds(), r.Decode.Seconds()
	a.PrefillRate = rate(r.PromptTokens, r.Prefill)
	a.DecodeRate = rate(r.Generated-1, r.Decode) // the first token is prefill's
	a.Backend, a.Adapter, a.Memory = info.Backend, info.Adapter, r.Memory
}

func rate(tokens int, d time.Duration) *float64 {
	if tokens <= 0 || d <= 0 {
		return nil
	}
	return finite(float64(tokens) / d.Seconds())
}

// summary is the answer's numbers in a line.
func (a *answer) summary() string {
	speed := func(r *float64) string {
		if r == nil {
			return ""
		}
		return fmt.Sprintf(" (%.1f/s)", *r)
	}
	guessed := ""
	if a.DraftedTokens > 0 {
		guessed = fmt.Sprintf(", %d of %d guesses right", a.AcceptedTokens, a.DraftedTokens)
	}
	first := ""
	if a.FirstSeconds > 0 {
		first = fmt.Sprintf(", the first %.2f s after the start", a.FirstSeconds)
	}
	return fmt.Sprintf("%d tokens in%s, %d out%s%s%s, %s; %s; seed %d; %s on %s",
		a.PromptTokens, speed(a.PrefillRate), a.GeneratedTokens, speed(a.DecodeRate), first, guessed, a.FinishReason,
		remembered(a.Memory), a.Seed, a.Backend, a.Adapter)
}

// remembered says in words what the memory did.
func remembered(m lrun.MemoryStats) string {
	text := fmt.Sprintf("%d tokens read, %d resident", m.Tokens, m.Resident)
	if m.Blocks > 0 {
		text += fmt.Sprintf(", %d of %d blocks off-loaded (%s), %d fetched", m.Stored, m.Blocks, humanize.IBytes(uint64(m.HostBytes+m.FileBytes)), m.Fetched)
	}
	text += fmt.Sprintf(", %d dropped", m.Dropped)
	if m.Fault != "" {
		text += "; " + m.Fault
	}
	return text
}

package main

import (
	"context"
	"fmt"
	"io"
	"math"

	"github.com/spf13/cobra"

	"github.com/lrun/lrun"
)

// scored is the score of a text, as --json prints it.
type scored struct {
	Tokens       []token  `json:"tokens"` // the first has no probability: nothing comes before it
	PromptTokens int      `json:"prompt_tokens"`
	Kept         int      `json:"kept_tokens"`
	Dropped      int      `json:"dropped_tokens"`
	Total        *float64 `json:"total_logprob"`
	Perplexity   *float64 `json:"perplexity"` // e^(−total/scored tokens)
	Backend      string   `json:"backend"`
	Adapter      string   `json:"adapter"`
}

func newScore(s *settings) *cobra.Command {
	var p prompt
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "score [TEXT...]",
		Short: "Print how likely a text is, token by token",
		Long: `Print the log-probability (ln) of each token of a text after those before it, their sum, and the perplexity. The first
token, mostly the beginning-of-text token, has none. The text is taken as it is, a newline at its end included.`,
		Example: `  lrun score "Once upon a time"
  lrun score -m checkpoints/gpt2 -f chapter.txt --json
  lrun score -m checkpoints/gpt2 --ids 464,3290,318`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := p.read(cmd, args); err != nil {
				return err
			}
			return s.withModel(cmd, func(ctx context.Context, m *lrun.Model) error {
				ids, err := p.encode(m)
				if err != nil {
					return err
				}
				probs, err := m.ScoreIDs(ctx, ids)
				if err != nil {
					return err
				}
				r := newScored(m, ids, probs)
				if asJSON {
					return printJSON(cmd.OutOrStdout(), r)
				}
				return r.print(cmd.OutOrStdout())
			})
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	p.register(f)
	f.BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}

func newScored(m *lrun.Model, ids []int32, probs []float64) *scored {
	info := m.Info()
	r := &scored{PromptTokens: len(ids), Kept: len(ids), Backend: info.Backend, Adapter: info.Adapter}
	texts := pieces(m, ids)
	total := 0.0
	for i, id := range ids {
		r.Tokens = append(r.Tokens, token{id, texts[i], finite(probs[i])})
		if i > 0 {
			total += probs[i]
		}
	}
	r.Total = finite(total)
	r.Perplexity = finite(math.Exp(-total / float64(len(ids)-1)))
	return r
}

// pieces is what each token adds to the text; empty where there is no tokenizer.
func pieces(m *lrun.Model, ids []int32) []string {
	texts := make([]string, len(ids))
	if m.Tokenizer() == nil || len(ids) == 0 {
		return texts
	}
	stream := m.Tokenizer().NewStream(false)
	for i, id := range ids {
		texts[i] = stream.Next(id)
	}
	texts[len(ids)-1] += stream.Flush()
	return texts
}

func (r *scored) print(out io.Writer) error {
	for _, t := range r.Tokens {
		if _, err := fmt.Fprintf(out, "%9s %6d %q\n", decimals(t.LogProb), t.ID, t.Text); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(out, "%9s total of %d tokens, perplexity %s\n", decimals(r.Total), len(r.Tokens)-1, decimals(r.Perplexity))
	return err
}

// decimals is v to four places, or a dash.
func decimals(v *float64) string {
	if v == nil {
		return "-"
	}
	return fmt.Sprintf("%.4f", *v)
}

package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/lrun/lrun"
)

// benched is what lrun bench prints.
type benched struct {
	Model   string `json:"model"`
	Memory  string `json:"memory"`
	Backend string `json:"backend"`
	Adapter string `json:"adapter"`

	Prompt       int     `json:"prompt_tokens"`
	PromptRate   float64 `json:"prompt_tokens_per_second"`
	Generated    int     `json:"generated_tokens"`
	GenerateRate float64 `json:"generated_tokens_per_second"`

	// Of a generated token.
	Dispatches float64 `json:"dispatches_per_token"`
	RoundTrips float64 `json:"round_trips_per_token"` // beside the one that brings its id
	LookedUp   float64 `json:"blocks_looked_up_per_token"`
	Fetched    float64 `json:"blocks_fetched_per_token"`

	DeviceBytes int64 `json:"device_bytes"`
	HostBytes   int64 `json:"host_bytes"`
}

func newBench(s *settings) *cobra.Command {
	var prompt, tokens int
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure how fast a model reads and writes, and what its memory costs",
		Long: `Measure how fast a model reads a prompt of random tokens and generates after it, how many kernels and round trips to the
device a generated token takes, and how many blocks its memory looks up and fetches.`,
		Example: `  lrun bench -p 4096 -n 64
  lrun bench -p 4096 --memory infllm --memory-opt max_cached_block=0 --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if prompt < 1 || tokens < 2 {
				return fmt.Errorf("a prompt of %d tokens and %d to generate: want at least 1 and 2", prompt, tokens)
			}
			return s.withModel(cmd, func(ctx context.Context, m *lrun.Model) error {
				b, err := bench(ctx, m, prompt, tokens)
				if err != nil {
					return err
				}
				if asJSON {
					return printJSON(cmd.OutOrStdout(), b)
				}
				return b.print(cmd.OutOrStdout())
			}, lrun.WithAnyLength())
		},
	}
	cmd.AddCommand(newBenchScans(s))
	f := cmd.Flags()
	f.SortFlags = false
	f.IntVarP(&prompt, "prompt", "p", 512, "tokens of the prompt")
	f.IntVarP(&tokens, "tokens", "n", 64, "tokens to generate")
	f.BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}

// bench reads a prompt and generates after it, once something shorter has warmed the device up.
func bench(ctx context.Context, m *lrun.Model, prompt, tokens int) (*benched, error) {
	ids := make([]int32, prompt)
	for i := range ids {
		ids[i] = int32(i * 7919 % m.Info().Vocab)
	}
	if _, err := benchOnce(ctx, m, ids[:min(prompt, 600)], 4); err != nil {
		return nil, err
	}
	return benchOnce(ctx, m, ids, tokens)
}

// benchOnce is one reading in a session of its own.
func benchOnce(ctx context.Context, m *lrun.Model, ids []int32, tokens int) (*benched, error) {
	var r lrun.Result
	s, err := m.NewSession()
	if err != nil {
		return nil, err
	}
	defer s.Close()
	var before lrun.MemoryStats
	var dispatched int64
	n := 0
	var start time.Time
	options := []lrun.GenerateOption{lrun.WithTemperature(0), lrun.WithIgnoreEOS(), lrun.WithMaxTokens(tokens), lrun.WithResult(&r)}
	for _, err := range s.GenerateIDs(ctx, ids, options...) {
		if err != nil {
			return nil, err
		}
		if n++; n == 1 {
			before, dispatched, start = s.Memory(), m.Dispatches(), time.Now()
		}
	}
	took, after, info := time.Since(start).Seconds(), s.Memory(), m.Info()
	per := func(n int) float64 { return float64(n) / float64(r.Generated-1) }
	return &benched{
		Model: info.Name, Memory: info.Memory, Backend: info.Backend, Adapter: info.Adapter,
		Prompt: len(ids), PromptRate: float64(len(ids)) / r.Prefill.Seconds(), Generated: r.Generated, GenerateRate: float64(r.Generated-1) / took,
		Dispatches: per(int(m.Dispatches() - dispatched)), RoundTrips: per(after.RoundTrips - before.RoundTrips),
		LookedUp: per(after.LookedUp - before.LookedUp), Fetched: per(after.Fetched - before.Fetched),
		DeviceBytes: info.DeviceBytes, HostBytes: after.HostBytes,
	}, nil
}

func (b *benched) print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "model\t%s on %s (%s)\n", b.Model, b.Backend, b.Adapter)
	fmt.Fprintf(w, "memory\t%s\n", b.Memory)
	fmt.Fprintf(w, "prompt\t%d tokens, %.1f/s\n", b.Prompt, b.PromptRate)
	fmt.Fprintf(w, "generation\t%d tokens, %.1f/s\n", b.Generated, b.GenerateRate)
	fmt.Fprintf(w, "a token\t%.1f kernels, %.2f round trips, %.1f blocks looked up, %.2f fetched\n", b.Dispatches, b.RoundTrips, b.LookedUp, b.Fetched)
	fmt.Fprintf(w, "held\t%s on the device, %s of blocks on the host\n", bytesText(b.DeviceBytes), bytesText(b.HostBytes))
	return w.Flush()
}

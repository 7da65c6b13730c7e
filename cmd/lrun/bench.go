package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lrun/lrun"
	"github.com/lrun/lrun/bench"
)

// benching are the flags of lrun bench.
type benching struct {
	prompts, tokens, depths string
	repeats                 int
	random, compare         string
	kernels, json           bool
}

func newBench(s *settings) *cobra.Command {
	b := &benching{}
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure how fast a model reads and writes, at which depth, and what its kernels and its memory cost",
		Long: `Measure how fast a model reads prompts of random tokens (pp) and generates (tg), after so many tokens (@depth): the median of
some repeats after one that does not count. Shares are of what the adapter was measured to copy and to compute; a token's
kernels, round trips to the device, and blocks that its memory looks up and fetches are counted. With --kernels a further run
is told apart by kernels. The folder of --random-weights needs a config.json only.`,
		Example: `  lrun bench -p 512 -n 128 -d 0,4096,32768 --kernels
  lrun bench --backend webgpu --json > before.json && lrun bench --backend webgpu --compare before.json
  lrun bench -m DIR --random-weights f16 --quant q4
  lrun bench -p 4096 --memory infllm --memory-opt max_cached_block=0 --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return b.run(cmd, s) },
	}
	cmd.AddCommand(newBenchScans(s))
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVarP(&b.prompts, "prompt", "p", "512", "tokens of prompts, a list; 0: none")
	f.StringVarP(&b.tokens, "tokens", "n", "128", "tokens to generate, a list; 0: none")
	f.StringVarP(&b.depths, "depth", "d", "0", "tokens of the text before, a list")
	f.IntVarP(&b.repeats, "repeats", "r", 5, "how often each is measured")
	f.StringVar(&b.random, "random-weights", "", "make the weights up, in f32, f16 or bf16")
	f.BoolVar(&b.kernels, "kernels", false, "print what each kernel takes")
	f.BoolVar(&b.json, "json", false, "print one JSON object")
	f.StringVar(&b.compare, "compare", "", "a result of --json before: print the ratios to it")
	return cmd
}

func (b *benching) run(cmd *cobra.Command, s *settings) error {
	plan, err := b.plan()
	if err != nil {
		return err
	}
	before, err := b.before()
	if err != nil {
		return err
	}
	bar := s.newProgress(cmd, "measuring", false)
	defer bar.close()
	done, all := int64(0), int64(len(plan.Depths)*(len(plan.Prompts)+len(plan.Tokens)))
	plan.Progress = func(bench.Row) { done++; bar.set(done, all) }
	ctx, stop := interruptible(cmd.Context())
	defer stop()
	var m *lrun.Model
	r, err := plan.Run(ctx, func() (_ *lrun.Model, err error) {
		m, err = s.open(cmd, b.options()...)
		return m, err
	})
	bar.close()
	if err != nil {
		return err
	}
	s.sayWhere(cmd, m)
	if before != nil {
		if err := r.Compare(before); err != nil {
			return fmt.Errorf("%s: %w", b.compare, err)
		}
	}
	if b.json {
		return printJSON(cmd.OutOrStdout(), r)
	}
	return r.Print(cmd.OutOrStdout(), b.kernels)
}

func (b *benching) options() []lrun.Option {
	options := []lrun.Option{lrun.WithAnyLength()}
	if b.random != "" {
		options = append(options, lrun.WithRandomWeights(b.random))
	}
	return options
}

// plan is what the flags ask for.
func (b *benching) plan() (p bench.Plan, err error) {
	p.Repeats = b.repeats
	if p.Depths, err = numbersFromZero("depth", b.depths); err != nil {
		return p, err
	}
	if b.prompts != "0" {
		if p.Prompts, err = numbers("prompt", b.prompts); err != nil {
			return p, err
		}
	}
	if b.tokens != "0" {
		if p.Tokens, err = numbers("tokens", b.tokens); err != nil {
			return p, err
		}
	}
	return p, p.Check()
}

// numbersFromZero is numbers for a list that may begin with 0.
func numbersFromZero(flag, list string) ([]int, error) {
	if list == "0" {
		return []int{0}, nil
	}
	rest, zero := strings.CutPrefix(list, "0,")
	all, err := numbers(flag, rest)
	if zero {
		all = append([]int{0}, all...)
	}
	return all, err
}

// before is the result to compare with, nil where there is none.
func (b *benching) before() (*bench.Result, error) {
	if b.compare == "" {
		return nil, nil
	}
	data, err := os.ReadFile(b.compare)
	if err != nil {
		return nil, err
	}
	r := &bench.Result{}
	if err := json.Unmarshal(data, r); err != nil {
		return nil, fmt.Errorf("%s is no result of lrun bench --json: %w", b.compare, err)
	}
	return r, nil
}

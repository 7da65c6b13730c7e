package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/lrun/lrun"
	"github.com/lrun/lrun/eval"
)

// taskFlags are the choices that the tasks share.
type taskFlags struct {
	task  string
	judge eval.Judge

	lengths, file, plot, out string
	depths, samples, limit   int
	maxTokens                int
	seed                     uint64
	resume, json             bool
}

// tasked is what a task prints.
type tasked struct {
	measured
	Lengths  []eval.Accuracy `json:"lengths"`
	Outcomes []eval.Outcome  `json:"outcomes"`
}

func newPasskey(s *settings) *cobra.Command {
	f := &taskFlags{task: "passkey", judge: eval.Digits}
	return f.command(s, &cobra.Command{
		Use:   "passkey",
		Short: "Ask for a number that stands once in a long text",
		Long: `Ask for a number of five digits that stands once in a long text of filler, at every length and depth of a grid, or in the
cases of a file. The text fits the length with its question and answer, in the model's own tokens.`,
		Example: `  lrun eval passkey --rope ntk:4 --lengths 256,512,1k
  lrun eval passkey -m checkpoints/Qwen3-0.6B --lengths 8k,32k,64k --plot passkey.png --out passkey.jsonl --resume
  lrun eval passkey --data passkey.jsonl --memory infllm --json`,
		Args: cobra.NoArgs,
	}, func(m *lrun.Model, g eval.Grid) ([]eval.Case, error) { return g.Passkeys(m) })
}

func newNeedle(s *settings) *cobra.Command {
	f := &taskFlags{task: "needle", judge: eval.Numbers}
	var needles, values int
	cmd := f.command(s, &cobra.Command{
		Use:   "needle",
		Short: "Ask for one of several things that stand in a long text",
		Long: `Ask for the number of one city among those of several, each in a sentence of its own somewhere in a long text of filler;
with --values above 1 for all numbers of the city. The first of those asked for stands at the depth of the grid.`,
		Example: `  lrun eval needle --rope ntk:4 --lengths 512,1k --needles 4
  lrun eval needle -m checkpoints/Qwen3-0.6B --lengths 8k,32k --needles 8 --values 2`,
		Args: cobra.NoArgs,
	}, func(m *lrun.Model, g eval.Grid) ([]eval.Case, error) { return g.Needles(m, needles, values) })
	cmd.Flags().IntVar(&needles, "needles", 4, "cities in the text")
	cmd.Flags().IntVar(&values, "values", 1, "numbers of each city, all of which are asked for")
	return cmd
}

func newLines(s *settings) *cobra.Command {
	f := &taskFlags{task: "lines", judge: eval.FirstNumber}
	return f.command(s, &cobra.Command{
		Use:   "lines",
		Short: "Ask for the content of one of many lines (LongChat-Lines)",
		Long: `Ask for the content of one of as many named lines as a text of the length holds, or in the cases of a file, such as those
of LongChat-Lines (JSON lines with prompt and expected_number). An answer is right when the first number in it is.`,
		Example: `  lrun eval lines -m checkpoints/Qwen3-0.6B --lengths 4k,16k --depths 5
  lrun eval lines -m checkpoints/Qwen3-0.6B --data longchat_lines.jsonl --limit 50`,
		Args: cobra.NoArgs,
	}, func(m *lrun.Model, g eval.Grid) ([]eval.Case, error) { return g.Lines(m) })
}

func newAltQA(s *settings) *cobra.Command {
	f := &taskFlags{task: "altqa", judge: eval.Presence, maxTokens: 50}
	return f.command(s, &cobra.Command{
		Use:   "altqa FILE",
		Short: "Ask for altered numbers in documents (AltQA)",
		Long: `Ask questions on documents in which the number that answers them was altered, so that it must be read, not remembered:
Giraffe's WikiQA-Altered_Numeric_QA (arXiv 2308.10882), as JSON lines or an array, with conversations. An answer is right
when the number stands in it.`,
		Example: `  lrun eval altqa altqa_8k.jsonl -m checkpoints/Qwen3-0.6B --limit 100`,
		Args:    cobra.ExactArgs(1),
	}, nil)
}

func newFreeQA(s *settings) *cobra.Command {
	f := &taskFlags{task: "freeqa", judge: eval.Presence, maxTokens: 50}
	return f.command(s, &cobra.Command{
		Use:   "freeqa FILE",
		Short: "Ask questions on documents (FreeFormQA)",
		Long: `Ask questions on documents: Giraffe's WikiQA-Free_Form_QA (arXiv 2308.10882), as JSON lines or an array, with conversations. An
answer is right when the expected one stands in it.`,
		Example: `  lrun eval freeqa freeqa_8k.jsonl -m checkpoints/Qwen3-0.6B --limit 100`,
		Args:    cobra.ExactArgs(1),
	}, nil)
}

// command completes a task's command; build makes its cases where no file does.
func (f *taskFlags) command(s *settings, cmd *cobra.Command, build func(*lrun.Model, eval.Grid) ([]eval.Case, error)) *cobra.Command {
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			f.file = args[0]
		}
		return f.run(cmd, s, build)
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	if build != nil {
		flags.StringVar(&f.lengths, "lengths", "", "lengths in tokens (default: 1, 2 and 4 times the trained context, or those of --data)")
		flags.IntVar(&f.depths, "depths", 5, "depths, spread evenly from the text's start to its end")
		flags.IntVar(&f.samples, "samples", 2, "cases for each length and depth")
		flags.Uint64Var(&f.seed, "seed", 0, "other numbers and places (default 0)")
		flags.StringVar(&f.file, "data", "", "take the cases of a file instead: JSON lines with prompt and answer")
	}
	f.register(flags)
	for _, made := range []string{"depths", "samples", "seed"} {
		if build != nil {
			cmd.MarkFlagsMutuallyExclusive("data", made)
		}
	}
	return cmd
}

// register are the flags of all tasks.
func (f *taskFlags) register(flags *pflag.FlagSet) {
	flags.IntVar(&f.limit, "limit", 0, "take so many cases of each length, spread evenly (default: all)")
	flags.IntVar(&f.maxTokens, "max-tokens", f.maxTokens, "tokens that an answer may take (0: as many as the right one)")
	flags.StringVar(&f.out, "out", "", "append each outcome to a file as it comes")
	flags.BoolVar(&f.resume, "resume", false, "go on with the file of --out: leave out the cases that it holds")
	flags.StringVar(&f.plot, "plot", "", "draw the accuracy by length and depth into a PNG")
	flags.BoolVar(&f.json, "json", false, "print one JSON object")
}

// run asks the cases, and prints what came of them, as far as it came.
func (f *taskFlags) run(cmd *cobra.Command, s *settings, build func(*lrun.Model, eval.Grid) ([]eval.Case, error)) error {
	if f.maxTokens < 0 || f.limit < 0 {
		return errors.New("--max-tokens and --limit must not be negative")
	}
	if f.resume && f.out == "" {
		return errors.New("--resume needs --out, the file to go on with")
	}
	info, err := s.describe(cmd.Flags())
	if err != nil {
		return err
	}
	g := eval.Grid{Lengths: []int{info.Trained, 2 * info.Trained, 4 * info.Trained}, Depths: f.depths, Samples: f.samples, Seed: f.seed}
	if info.Learned {
		g.Lengths = g.Lengths[:1]
	}
	if f.lengths != "" {
		if g.Lengths, err = numbers("lengths", f.lengths); err != nil {
			return err
		}
	}
	return s.withModel(cmd, func(ctx context.Context, m *lrun.Model) error {
		cases, err := f.cases(m, g, build)
		if err != nil {
			return err
		}
		bar := s.newProgress(cmd, f.task, false)
		h := eval.Header{Task: f.task, Model: m.Info().Name, Rope: s.rope, Memory: m.Info().Memory}
		outcomes, err := eval.Run(ctx, m, cases, f.judge, h, f.out, f.resume, func(n int) { bar.set(int64(n), int64(len(cases))) })
		bar.close()
		if len(outcomes) == 0 {
			return err
		}
		if errors.Is(err, context.Canceled) {
			s.notice(cmd, "stopped after %d of %d cases%s", len(outcomes), len(cases), f.hint())
		}
		return errors.Join(f.show(cmd.OutOrStdout(), s, m, outcomes), err)
	}, lrun.WithAnyLength())
}

// cases are those of a file, or the task's own.
func (f *taskFlags) cases(m *lrun.Model, g eval.Grid, build func(*lrun.Model, eval.Grid) ([]eval.Case, error)) ([]eval.Case, error) {
	if m.Tokenizer() == nil {
		return nil, lrun.ErrNoTokenizer
	}
	if f.file != "" {
		return f.fromFile(m, g.Lengths)
	}
	cases, err := build(m, g)
	if f.maxTokens > 0 {
		for i := range cases {
			cases[i].Tokens = f.maxTokens
		}
	}
	return eval.Thin(cases, f.limit), err
}

// hint is how to go on with a run that was stopped.
func (f *taskFlags) hint() string {
	if f.out == "" {
		return ""
	}
	return "; --resume goes on with " + f.out
}

// fromFile are the cases of a file, of the lengths that were asked for.
func (f *taskFlags) fromFile(m *lrun.Model, lengths []int) ([]eval.Case, error) {
	cases, err := eval.ReadCases(m, f.file, f.maxTokens)
	if err != nil {
		return nil, err
	}
	if f.lengths != "" {
		cases = slices.DeleteFunc(cases, func(c eval.Case) bool { return !slices.Contains(lengths, c.Length) })
	}
	if len(cases) == 0 {
		return nil, fmt.Errorf("%s has no cases of the lengths %s", f.file, f.lengths)
	}
	return eval.Thin(cases, f.limit), nil
}

// show prints the outcomes and draws them.
func (f *taskFlags) show(out io.Writer, s *settings, m *lrun.Model, outcomes []eval.Outcome) error {
	r := tasked{newMeasured(f.task, s.rope, m), eval.ByLength(outcomes), outcomes}
	if f.plot != "" {
		title := fmt.Sprintf("%s, %s, rope %s: %% right, in part", r.Task, r.Model, r.Rope)
		if err := eval.PlotHeat(f.plot, title, outcomes); err != nil {
			return err
		}
	}
	if f.json {
		return printWith(out, r, s.method(), accuracies(r.Lengths))
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "length\tcases\tright\tin part\t\n")
	for _, a := range r.Lengths {
		fmt.Fprintf(w, "%d\t%d\t%.0f%%\t%.0f%%\t\n", a.Length, a.Cases, 100*a.Right, 100*a.Share)
	}
	return w.Flush()
}

// accuracies are the shares of right answers, by length.
func accuracies(lengths []eval.Accuracy) map[string]float64 {
	all := map[string]float64{}
	for _, a := range lengths {
		all[strconv.Itoa(a.Length)] = a.Right
	}
	return all
}

package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/lrun/lrun"
)

func newTune(s *settings) *cobra.Command {
	var t lrun.Tuning
	var reset, asJSON bool
	cmd := &cobra.Command{
		Use:   "tune",
		Short: "Measure which kernels are fastest on a GPU, and remember them",
		Long: `Measure which kernels are fastest on a GPU, and how large their parts should be: how many threads read a row of a matrix,
from how many tokens on matrices are multiplied in tiles and in which, into how many splits attention cuts a long text. What is
faster than the default by more than 3 % and chance is remembered in the user's cache directory, for this adapter, driver and
version of the kernels; lrun info shows it, and LRUN_TUNING=off has the defaults for once. No model is needed. A software
adapter takes longer: give it --time 5m.`,
		Example: `  lrun tune
  lrun tune --adapter radeon --dry-run
  lrun tune --reset`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if s.backend == "cpu" {
				return errors.New("the CPU backend has nothing to tune; leave --backend out")
			}
			t.Adapter = s.adapter
			if reset {
				file, err := lrun.ForgetTuning(t.Adapter)
				if err == nil {
					s.notice(cmd, "nothing is remembered in %s any more", file)
				}
				return err
			}
			r, err := s.tune(cmd, t)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), r)
			}
			return printTuned(cmd.OutOrStdout(), r)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.DurationVar(&t.Time, "time", time.Minute, "what measuring may take, about")
	f.BoolVar(&t.DryRun, "dry-run", false, "measure, and remember nothing")
	f.BoolVar(&reset, "reset", false, "forget what is remembered, and measure nothing")
	f.BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}

// tune measures, with a progress bar. Ctrl-C leaves what was remembered before.
func (s *settings) tune(cmd *cobra.Command, t lrun.Tuning) (*lrun.Tuned, error) {
	bar := s.newProgress(cmd, "measuring", false)
	defer bar.close()
	t.Progress = func(made, all int) { bar.set(int64(made), int64(all)) }
	ctx, stop := interruptible(cmd.Context())
	defer stop()
	return lrun.Tune(ctx, t)
}

// printTuned prints a line for each choice.
func printTuned(out io.Writer, r *lrun.Tuned) error {
	fmt.Fprintf(out, "adapter  %s\n\n", r.Adapter)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "choice\tchosen\trounds\ttime with each value, of the default's")
	unmeasured := 0
	for _, t := range r.Trials {
		ratios := []string{"no time to measure"}
		if t.Rounds == 0 {
			unmeasured++
		} else {
			ratios = ratios[:0]
			for _, c := range t.Candidates {
				ratios = append(ratios, fmt.Sprintf("%s: %.2f", c.Value, c.Ratio))
			}
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%s\n", t.Name, t.Chosen, t.Rounds, strings.Join(ratios, "  "))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if unmeasured > 0 {
		fmt.Fprintf(out, "\n%d of %d stay as they are by default; a longer --time measures them\n", unmeasured, len(r.Trials))
	}
	if r.File != "" {
		fmt.Fprintf(out, "\nremembered in %s\n", r.File)
	}
	return nil
}

package main

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/lrun/lrun/eval"
)

// scanned is what lrun bench scans prints.
type scanned struct {
	Backend string                     `json:"backend"`
	Adapter string                     `json:"adapter"`
	Scans   map[string][]eval.ScanTime `json:"scans"`
}

func newBenchScans(s *settings) *cobra.Command {
	var lengths, plot string
	var most time.Duration
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "scans",
		Short: "Measure what a token costs by the length of the text, with attention and with layers of constant state",
		Long: `Measure what reading a token costs by the length of the text before it, in models of one layer with random weights: attention
to all tokens and to a window (lambda), lightning attention, Mamba, Mamba-2 and S4D.`,
		Example: `  lrun bench scans --backend webgpu --plot scans.png
  lrun bench scans --lengths 1k,16k --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			at, err := numbers("lengths", lengths)
			if err != nil {
				return err
			}
			ctx, stop := interruptible(cmd.Context())
			defer stop()
			all := scanned{Scans: map[string][]eval.ScanTime{}}
			var names []string
			var times [][]eval.ScanTime
			for _, scan := range eval.Scans {
				bar := s.newProgress(cmd, scan.Name, false)
				took, about, err := scan.Measure(ctx, at, most, func(done, total int) { bar.set(int64(done), int64(total)) }, s.options(cmd.Flags())...)
				bar.close()
				if err != nil {
					return err
				}
				names, times, all.Scans[scan.Name] = append(names, scan.Name), append(times, took), took
				all.Backend, all.Adapter = about.Backend, about.Adapter
			}
			if plot != "" {
				if err := eval.PlotScans(plot, "One layer of 256 channels on "+all.Adapter, names, times); err != nil {
					return err
				}
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), all)
			}
			return printScans(cmd.OutOrStdout(), names, times)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&lengths, "lengths", "1k,4k,16k,64k", "lengths in tokens")
	f.DurationVar(&most, "most", 2*time.Minute, "leave out a length that would take longer than this to come to (0: none)")
	f.StringVar(&plot, "plot", "", "draw time by length into a PNG")
	f.BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}

// printScans prints a row for each way, with what its device memory grew by at last.
func printScans(out io.Writer, names []string, times [][]eval.ScanTime) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "µs a token at\t")
	longest := slices.MaxFunc(times, func(a, b []eval.ScanTime) int { return len(a) - len(b) })
	for _, t := range longest {
		fmt.Fprintf(w, "%s\t", humanize.Comma(int64(t.Tokens)))
	}
	fmt.Fprintln(w, "device memory\t")
	for i, name := range names {
		fmt.Fprintf(w, "%s\t", name)
		for _, t := range times[i] {
			fmt.Fprintf(w, "%.1f\t", 1e6*t.SecondsPerToken)
		}
		for range len(longest) - len(times[i]) {
			fmt.Fprint(w, "-\t")
		}
		fmt.Fprintf(w, "%s\t\n", bytesText(times[i][len(times[i])-1].DeviceBytes))
	}
	return w.Flush()
}

package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/lrun/lrun"
	"github.com/lrun/lrun/internal/files"
	"github.com/lrun/lrun/trace"
)

func newTrace() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "trace",
		Short: "Show what a long-context memory did",
		Long: `Show what a long-context memory did while the model answered: which blocks of the text each layer looked up for each token,
and which of them came from host memory.`,
		Example: `  lrun trace view out.json
  lrun trace view out.json -o page.html`,
	}
	cmd.AddCommand(newTraceView())
	return cmd
}

func newTraceView() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "view TRACE",
		Short: "Make a page for the browser of a trace",
		Long: `Make a page for the browser of a trace: a map of the text with the blocks that each layer looked up, by token of the
answer. The page is one file that needs no network; it holds the texts of those blocks. A page that is there is replaced.`,
		Example: `  lrun trace view out.json
  lrun trace view out.json -o page.html
  lrun trace view - -o - < out.json > page.html`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			t, err := readTrace(cmd, args[0])
			if err != nil {
				return err
			}
			if out == "" {
				out = pageFor(args[0])
			}
			return writePage(cmd, t, out)
		},
	}
	cmd.Flags().StringVarP(&out, "output", "o", "", "the page to write (-: stdout; default: the trace's name with .html)")
	return cmd
}

// pageFor is where the page of a trace goes when nobody says.
func pageFor(file string) string {
	if file == "-" {
		return "-"
	}
	return strings.TrimSuffix(file, ".json") + ".html"
}

// readTrace reads a trace from a file, or from stdin for "-".
func readTrace(cmd *cobra.Command, file string) (*trace.Trace, error) {
	text, err := readText(cmd, file)
	if err != nil {
		return nil, files.Error(file, err)
	}
	t, err := trace.Read(strings.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return t, nil
}

// writePage writes the page to a file, at once and only when all went well, or to stdout for "-".
func writePage(cmd *cobra.Command, t *trace.Trace, file string) error {
	if file == "-" {
		return t.Page(cmd.OutOrStdout())
	}
	if err := files.Replace(file, t.Page); err != nil {
		return files.Error(file, err)
	}
	return nil
}

// traceFile is where --trace puts what the memory did for an answer.
type traceFile struct {
	path  string
	trace trace.Trace
}

func (f *traceFile) register(flags *pflag.FlagSet) {
	flags.StringVar(&f.path, "trace", "", "write which blocks each layer looked up for each token of the (last) answer to a file, for lrun trace view")
}

// options are those of a generation.
func (f *traceFile) options() []lrun.GenerateOption {
	if f.path == "" {
		return nil
	}
	return []lrun.GenerateOption{lrun.WithTrace(&f.trace)}
}

// write writes the trace of the last generation.
func (f *traceFile) write() error {
	if f.path == "" {
		return nil
	}
	if err := files.Replace(f.path, f.trace.Write); err != nil {
		return files.Error(f.path, err)
	}
	return nil
}

package main

import (
	"encoding/json"
	"io"
	"iter"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/lrun/lrun"
)

// isTerminal reports whether stream is a terminal.
func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// progress is a bar on a terminal, or nothing.
type progress struct {
	label string
	bytes bool
	out   io.Writer // nil: no bar
	bar   *progressbar.ProgressBar
}

// newProgress is a bar on stderr where that is a terminal; it appears with the first set and goes with close.
func (s *settings) newProgress(cmd *cobra.Command, label string, bytes bool) *progress {
	p := &progress{label: label, bytes: bytes}
	if err := cmd.ErrOrStderr(); isTerminal(err) && !s.quiet {
		p.out = err
	}
	return p
}

func (p *progress) set(done, total int64) {
	if p.out == nil {
		return
	}
	if p.bar == nil {
		p.bar = progressbar.NewOptions64(total,
			progressbar.OptionSetWriter(p.out),
			progressbar.OptionSetDescription(p.label),
			progressbar.OptionShowBytes(p.bytes),
			progressbar.OptionShowCount(),
			progressbar.OptionSetWidth(24),
			progressbar.OptionThrottle(50*time.Millisecond),
			progressbar.OptionClearOnFinish(),
		)
	}
	// A bar that cannot be drawn is no reason to stop.
	_ = p.bar.Set64(done)
}

// reading is set for a prompt; one that is read at once needs no bar.
func (p *progress) reading(done, total int) {
	if done > 0 {
		p.set(int64(done), int64(total))
	}
}

func (p *progress) close() {
	if p.bar != nil {
		_ = p.bar.Clear()
		p.bar = nil
	}
}

// announced calls f before the first token is shown.
func announced(f func(), tokens iter.Seq2[lrun.Token, error]) iter.Seq2[lrun.Token, error] {
	return func(yield func(lrun.Token, error) bool) {
		first := true
		for t, err := range tokens {
			if first && err == nil {
				f()
			}
			first = false
			if !yield(t, err) {
				return
			}
		}
	}
}

// newEncoder writes JSON without HTML escapes: < is a frequent character in tokens.
func newEncoder(w io.Writer) *json.Encoder {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e
}

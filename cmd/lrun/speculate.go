package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/lrun/lrun"
)

// How many tokens are guessed at a time where that is not said.
const (
	lookedUp = 8
	drafted  = 4
)

// speculation are the flags that have tokens guessed ahead.
type speculation struct {
	method, draft string

	tokens int
	model  *lrun.Model // the draft model; nil: none
}

func (p *speculation) register(f *pflag.FlagSet) {
	f.StringVar(&p.method, "speculate", "", "guess tokens ahead, the text stays the same: lookup or lookup:8 (from what was there before), draft:4 (by --draft)")
	f.StringVar(&p.draft, "draft", "", "checkpoint folder of a smaller model with the same tokenizer, which guesses tokens ahead")
}

// open reads the flags, and loads the draft model where there is one.
func (p *speculation) open(s *settings, cmd *cobra.Command) error {
	method, number, found := strings.Cut(p.method, ":")
	switch {
	case method == "" && p.draft == "":
		return nil
	case (method == "" || method == "draft") && p.draft != "":
		p.tokens = drafted
	case method == "draft":
		return errors.New("--speculate draft: name the draft model with --draft")
	case method != "lookup":
		return fmt.Errorf("--speculate %s: want lookup, lookup:N or draft:N", p.method)
	case p.draft != "":
		return errors.New("--speculate lookup and --draft: choose one of them")
	default:
		p.tokens = lookedUp
	}
	if found {
		n, err := strconv.Atoi(number)
		if err != nil {
			return fmt.Errorf("--speculate %s: %q is not a number of tokens", p.method, number)
		}
		p.tokens = n
	}
	if p.draft == "" {
		return nil
	}
	bar := s.newProgress(cmd, "loading the draft model", true)
	defer bar.close()
	var err error
	p.model, err = lrun.Open(p.draft, append(s.device(cmd.Flags()), lrun.WithProgress(bar.set))...)
	return err
}

// options are the choices that the flags make.
func (p *speculation) options() []lrun.GenerateOption {
	switch {
	case p.model != nil:
		return []lrun.GenerateOption{lrun.WithDraft(p.model, p.tokens)}
	case p.method != "":
		return []lrun.GenerateOption{lrun.WithLookup(p.tokens)}
	}
	return nil
}

// close gives the draft model's memory back, once no session uses it.
func (p *speculation) close() error {
	if p.model == nil {
		return nil
	}
	return p.model.Close()
}

package main

import (
	"github.com/spf13/pflag"

	"github.com/lrun/lrun"
)

// sampling are the flags that choose tokens and end a text. Those not given are the checkpoint's generation_config.json's.
type sampling struct {
	temperature, topP, minP         float64
	repetition, presence, frequency float64
	topK, maxTokens                 int
	seed                            uint32
	stop                            []string
	stopTokens                      []int32
	ignoreEOS                       bool
}

func (s *sampling) register(f *pflag.FlagSet) {
	f.IntVarP(&s.maxTokens, "max-tokens", "n", 0, "end after this many tokens")
	f.Float64Var(&s.temperature, "temperature", 0, "0: always the likeliest token; higher: more varied")
	f.IntVar(&s.topK, "top-k", 0, "draw among the K likeliest tokens")
	f.Float64Var(&s.topP, "top-p", 0, "draw among the likeliest tokens that together have probability P")
	f.Float64Var(&s.minP, "min-p", 0, "draw among tokens at least P times as likely as the likeliest")
	f.Float64Var(&s.repetition, "repetition-penalty", 0, "above 1: tokens of the text so far become less likely")
	f.Float64Var(&s.presence, "presence-penalty", 0, "taken from the logits of tokens made before")
	f.Float64Var(&s.frequency, "frequency-penalty", 0, "taken from the logits of tokens, for each time they were made")
	f.Uint32Var(&s.seed, "seed", 0, "fixes the random draws (default: a new one every time)")
	f.StringArrayVar(&s.stop, "stop", nil, "end before this text (may be repeated)")
	f.Int32SliceVar(&s.stopTokens, "stop-token", nil, "end after this token id (may be repeated)")
	f.BoolVar(&s.ignoreEOS, "ignore-eos", false, "go on after the end of the text")
}

// options are the choices that were made.
func (s *sampling) options(f *pflag.FlagSet) []lrun.GenerateOption {
	all := []struct {
		flag   string
		option lrun.GenerateOption
	}{
		{"max-tokens", lrun.WithMaxTokens(s.maxTokens)},
		{"temperature", lrun.WithTemperature(s.temperature)},
		{"top-k", lrun.WithTopK(s.topK)},
		{"top-p", lrun.WithTopP(s.topP)},
		{"min-p", lrun.WithMinP(s.minP)},
		{"repetition-penalty", lrun.WithRepetitionPenalty(s.repetition)},
		{"presence-penalty", lrun.WithPresencePenalty(s.presence)},
		{"frequency-penalty", lrun.WithFrequencyPenalty(s.frequency)},
		{"seed", lrun.WithSeed(s.seed)},
		{"stop", lrun.WithStop(s.stop...)},
		{"stop-token", lrun.WithStopTokens(s.stopTokens...)},
	}
	var options []lrun.GenerateOption
	for _, choice := range all {
		if f.Changed(choice.flag) {
			options = append(options, choice.option)
		}
	}
	if s.ignoreEOS {
		options = append(options, lrun.WithIgnoreEOS())
	}
	return options
}

package main

import (
	"context"
	"errors"
	"io"
	"iter"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lrun/lrun"
)

func newGenerate(s *settings) *cobra.Command {
	var p prompt
	var draw sampling
	var ahead speculation
	var v view
	var echo bool
	var traced traceFile
	cmd := &cobra.Command{
		Use:   "generate [TEXT...]",
		Short: "Continue a text",
		Long: `Continue a text, given as arguments, as a file or on stdin (of these two without the newline at the end). The
continuation appears as it is made; Ctrl-C ends it, with status 130, or with --json as a result of finish_reason
"cancelled"; a second Ctrl-C ends the program at once, without that result. What no flag says comes from the
checkpoint's generation_config.json. Where there is no tokenizer, ids come out.`,
		Example: `  lrun generate "Once upon a time"
  lrun generate -m checkpoints/Qwen3-0.6B --temperature 0.7 --top-p 0.9 -n 200 -f prompt.txt
  echo "Once upon a time" | lrun generate --temperature 0 --json
  lrun generate -m checkpoints/gpt2 --ids 464,3290 --temperature 0 --max-tokens 20 --json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := p.read(cmd, args); err != nil {
				return err
			}
			if len(args) == 0 || args[0] == "-" {
				p.text = withoutNewline(p.text)
			}
			if err := ahead.open(s, cmd); err != nil {
				return err
			}
			v.started = s.started
			err := s.withModel(cmd, func(ctx context.Context, m *lrun.Model) error {
				ids, err := p.encode(m)
				if err != nil {
					return err
				}
				if echo && !v.json {
					if _, err := io.WriteString(cmd.OutOrStdout(), p.show(m)); err != nil {
						return err
					}
				}
				bar := s.newProgress(cmd, "reading", false)
				defer bar.close()
				a, err := v.generate(m, cmd.OutOrStdout(), func(result lrun.GenerateOption) iter.Seq2[lrun.Token, error] {
					options := append(draw.options(cmd.Flags()), result, lrun.WithPromptProgress(bar.reading))
					options = append(append(options, ahead.options()...), traced.options()...)
					return announced(func() {
						bar.close()
						s.sayWhere(cmd, m)
						s.sayIgnored(cmd, m)
					}, m.GenerateIDs(ctx, ids, options...))
				})
				if err == nil {
					err = traced.write()
				}
				if err == nil || errors.Is(err, context.Canceled) {
					s.summary(cmd, a.summary())
				}
				if v.json && errors.Is(err, context.Canceled) {
					return nil
				}
				return err
			})
			return errors.Join(err, ahead.close())
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	p.register(f)
	draw.register(f)
	ahead.register(f)
	traced.register(f)
	f.BoolVar(&echo, "echo", false, "print the prompt first")
	f.BoolVar(&v.logProbs, "logprobs", false, "with each token the ln of its probability")
	f.BoolVar(&v.json, "json", false, "print one JSON object at the end")
	return cmd
}

// withoutNewline leaves out the line end that editors and echo put at the end of a text: few models write on after one.
func withoutNewline(text string) string {
	return strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r")
}

package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/lrun/lrun"
	"github.com/lrun/lrun/memory"
	"github.com/lrun/lrun/testdata"
	"github.com/lrun/lrun/tokenizer"
)

// embedded is what the model that is part of the program is called.
const embedded = "lrun-tiny"

// ownRope stands for the checkpoint's own way of telling positions apart.
const ownRope = "own"

// settings are the flags of all subcommands: the model, and where and how it runs.
type settings struct {
	model, backend, adapter, kv, rope string
	quant, memory, memoryOpt          string
	mitigation                        string
	context, chunk                    int
	quiet, verbose                    bool

	started time.Time // the program
	said    bool      // sayWhere has spoken
}

func (s *settings) register(f *pflag.FlagSet) {
	f.SortFlags = false
	f.StringVarP(&s.model, "model", "m", "", "checkpoint folder; without it a very small embedded model")
	f.StringVar(&s.backend, "backend", "auto", "webgpu, cpu, or auto: a real GPU, else the CPU")
	f.StringVar(&s.adapter, "adapter", os.Getenv("LRUN_ADAPTER"), "GPU, by its number in lrun info or a part of its name (LRUN_ADAPTER)")
	f.IntVar(&s.context, "context", 0, "tokens that the context holds (default: as trained, or as --rope is meant for)")
	f.StringVar(&s.kv, "kv", "f32", "how keys and values are cached: f32, f16 or q8")
	f.StringVar(&s.quant, "quant", "none", "how matrices are stored: q8 or q4 (5 bits a weight), or none: as in the checkpoint")
	f.StringVar(&s.rope, "rope", ownRope, "how positions are told apart: linear:4, ntk:8, yarn:4, lambda:10,2048, …")
	f.StringVar(&s.memory, "memory", "", "which tokens are seen: "+strings.Join(memory.Names, ", ")+" (default full)")
	f.StringVar(&s.memoryOpt, "memory-opt", "", "its constants, by the papers' names: n_init=128,n_local=4096,block_size=128,topk=16")
	f.StringVar(&s.mitigation, "mitigation", "", "against the collapse of Mamba-2's states in long texts: rri:0.9999,0.75, statenorm:1024, window:8192")
	f.IntVar(&s.chunk, "chunk", 0, "tokens of a prompt read at once (default by the device: 256 to 2048)")
	f.BoolVarP(&s.quiet, "quiet", "q", false, "nothing on stderr but errors")
	f.BoolVarP(&s.verbose, "verbose", "v", false, "a summary on stderr, also where that is no terminal")
}

// options are the choices in opening the model, those that were made.
func (s *settings) options(f *pflag.FlagSet) []lrun.Option {
	options := append(s.device(f), lrun.WithKV(s.kv), lrun.WithQuant(s.quant))
	if f.Changed("context") {
		options = append(options, lrun.WithContext(s.context))
	}
	if s.rope != ownRope {
		options = append(options, lrun.WithRope(s.rope))
	}
	if s.memory != "" || s.memoryOpt != "" {
		options = append(options, lrun.WithMemoryNamed(cmp.Or(s.memory, "full"), s.memoryOpt))
	}
	if s.mitigation != "" {
		options = append(options, lrun.WithMitigation(s.mitigation))
	}
	if f.Changed("chunk") {
		options = append(options, lrun.WithChunk(s.chunk))
	}
	return options
}

// device are the choices of where to run.
func (s *settings) device(f *pflag.FlagSet) []lrun.Option {
	options := []lrun.Option{lrun.WithBackend(s.backend)}
	if s.backend != "cpu" || f.Changed("adapter") { // LRUN_ADAPTER says nothing of the CPU
		options = append(options, lrun.WithAdapter(s.adapter))
	}
	return options
}

// open loads the model, with a progress bar. extra are options that go before what the user said.
func (s *settings) open(cmd *cobra.Command, extra ...lrun.Option) (*lrun.Model, error) {
	bar := s.newProgress(cmd, "loading", true)
	defer bar.close()
	options := append(append(extra, s.options(cmd.Flags())...), lrun.WithProgress(bar.set))
	var m *lrun.Model
	var err error
	if s.model == "" {
		m, err = lrun.OpenFS(testdata.Tiny(), embedded, options...)
	} else {
		m, err = lrun.Open(s.model, options...)
	}
	return m, err
}

// sayWhere says once that there is no GPU to run on, where that was left to auto. It is called when there is something to
// show, so that an error stays the only line.
func (s *settings) sayWhere(cmd *cobra.Command, m *lrun.Model) {
	if s.said || s.backend != "auto" || m.Info().Backend != "cpu" {
		return
	}
	s.said = true
	_, why := lrun.Automatic()
	s.notice(cmd, "using the CPU backend: %s", why)
}

// withModel runs use with the model. Ctrl-C cancels its context; a second one ends the program at once, and so does one
// while the model loads.
func (s *settings) withModel(cmd *cobra.Command, use func(ctx context.Context, m *lrun.Model) error, extra ...lrun.Option) error {
	m, err := s.open(cmd, extra...)
	if err != nil {
		return err
	}
	ctx, stop := interruptible(cmd.Context())
	defer stop()
	err = errors.Join(use(ctx, m), m.Close())
	if err == nil {
		s.sayWhere(cmd, m)
	}
	return err
}

// interruptible is a context that Ctrl-C cancels once; from then on signals do what they do by default.
func interruptible(parent context.Context) (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(parent, os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}

// tokenizer opens the checkpoint's tokenizer alone.
func (s *settings) tokenizer() (*tokenizer.Tokenizer, error) {
	if s.model == "" {
		return tokenizer.OpenFS(testdata.Tiny(), ".")
	}
	return tokenizer.Open(s.model)
}

// describe says what the model is, without loading it.
func (s *settings) describe(f *pflag.FlagSet) (lrun.Info, error) {
	if s.model == "" {
		return lrun.DescribeFS(testdata.Tiny(), embedded, s.options(f)...)
	}
	return lrun.Describe(s.model, s.options(f)...)
}

// notice writes a line on stderr, unless all is to be quiet.
func (s *settings) notice(cmd *cobra.Command, format string, args ...any) {
	if !s.quiet {
		fmt.Fprintf(cmd.ErrOrStderr(), "lrun: "+format+"\n", args...)
	}
}

// summary writes a line on stderr for people: where that is a terminal, or when asked for.
func (s *settings) summary(cmd *cobra.Command, line string) {
	if s.verbose || isTerminal(cmd.ErrOrStderr()) {
		s.notice(cmd, "%s", line)
	}
}

// printJSON writes v as one line.
func printJSON(w io.Writer, v any) error { return newEncoder(w).Encode(v) }

// printWith writes v, an object, as one line, with one more key.
func printWith(w io.Writer, v any, key string, value any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	all := map[string]any{}
	if err := json.Unmarshal(data, &all); err != nil {
		return err
	}
	all[key] = value
	return printJSON(w, all)
}

// method is what of memory or rope was asked for, in a word; "own" for the checkpoint's own.
func (s *settings) method() string { return cmp.Or(s.memory, s.rope) }

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/lrun/lrun"
	"github.com/lrun/lrun/eval"
)

// streamFlags are the choices of lrun stream.
type streamFlags struct {
	asks        []string
	askEvery    int
	follow      bool
	limit       int
	file        string // of the session
	plot        string
	json        bool
	draw        sampling
	traced      traceFile
	interactive bool
}

func newStream(s *settings) *cobra.Command {
	f := &streamFlags{}
	cmd := &cobra.Command{
		Use:   "stream FILE|-",
		Short: "Read a text without end, and answer questions on it",
		Long: `Read a text of any length, a file or stdin, with a memory that keeps what matters (--memory infllm unless another is chosen;
models whose layers carry a state need none), and answer questions on it: at the end, every so many tokens, or typed while it is read.
A question and its answer leave no trace in what is read after them. Ctrl-C ends the reading; with --session it can go on
later.`,
		Example: `  lrun stream book.txt --ask "What is the pass key? The pass key is"
  tail -f log.txt | lrun stream - -m checkpoints/Qwen3-0.6B --ask "What went wrong?" --ask-every 10000
  lrun stream -m DIR growing.txt --follow --session growing.lrun
  lrun stream book.txt --memory infllm --memory-opt block_size=32,topk=4 --ask "…" --json`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := s.endless(cmd.Flags()); err != nil {
				return err
			}
			f.interactive = args[0] != "-" && isTerminal(cmd.InOrStdin())
			return s.withModel(cmd, func(ctx context.Context, m *lrun.Model) error {
				return (&stream{streamFlags: f, s: s, cmd: cmd, m: m}).run(ctx, args[0])
			}, lrun.WithAnyLength(), lrun.WithRoom(f.room(args[0])))
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringArrayVar(&f.asks, "ask", nil, "a question, answered at the end (may be repeated)")
	flags.IntVar(&f.askEvery, "ask-every", 0, "answer the questions every so many tokens too")
	flags.BoolVar(&f.follow, "follow", false, "wait for more at the end of the file")
	flags.IntVar(&f.limit, "limit", 0, "end after so many tokens (0: read all)")
	flags.StringVar(&f.file, "session", "", "go on where the session in a file ended, and keep it there at the end and on Ctrl-C")
	flags.StringVar(&f.plot, "plot", "", "draw time and memory by length into a PNG")
	flags.BoolVar(&f.json, "json", false, "print one JSON object at the end")
	f.draw.register(flags)
	f.traced.register(flags)
	return cmd
}

// endless chooses a memory for texts without end where none was said and the model needs one: layers that attend do.
func (s *settings) endless(f *pflag.FlagSet) error {
	if s.memory != "" {
		return nil
	}
	about, err := s.describe(f)
	if err == nil && about.Heads > 0 {
		s.memory = "infllm"
	}
	return err
}

// bytesPerToken is a guess that is rather too small.
const bytesPerToken = 2

// room is for how many tokens memory is taken at once: those of a file as long as it is now.
func (f *streamFlags) room(name string) int {
	info, err := os.Stat(name)
	if err != nil || !info.Mode().IsRegular() {
		return f.limit
	}
	tokens := int(info.Size() / bytesPerToken)
	if f.limit > 0 {
		return min(tokens, f.limit)
	}
	return tokens
}

// stream is a run of lrun stream.
type stream struct {
	*streamFlags
	s       *settings
	cmd     *cobra.Command
	m       *lrun.Model
	session *lrun.Session
	clock   eval.Timeline
	answers []streamAnswer
	next    int // the length at which questions are answered
	at      streamPlace
}

// streamPlace is how far a text was read, as a session's file notes it.
type streamPlace struct {
	Offset int64   `json:"offset"` // bytes of the text
	Rest   []int32 `json:"rest"`   // the last tokens of these, which the session lacks
}

// streamAnswer is an answer to a question, as --json prints it.
type streamAnswer struct {
	Ask    string `json:"ask"`
	Answer string `json:"answer"`
	Tokens int    `json:"tokens"` // of the stream, when it was asked
}

// streamed is what --json prints.
type streamed struct {
	Answer           string             `json:"answer"` // the last one
	Answers          []streamAnswer     `json:"answers"`
	Tokens           int                `json:"tokens"`
	Seconds          float64            `json:"seconds"`
	GPUBytes         int64              `json:"gpu_bytes"`
	HostBytes        int64              `json:"host_bytes"`
	FileBytes        int64              `json:"file_bytes"`
	SecondsPerToken  map[string]float64 `json:"seconds_per_token"` // by decade of length: "1000" is 101 to 1,000
	Timeline         []eval.Moment      `json:"timeline"`
	Memory           lrun.MemoryStats   `json:"memory"`
	Model            string             `json:"model"`
	Backend, Adapter string             `json:"-"`
}

func (t *stream) run(ctx context.Context, name string) (err error) {
	if t.m.Tokenizer() == nil {
		return lrun.ErrNoTokenizer
	}
	if err := t.begin(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.session.Close()) }()
	reading, stop := context.WithCancel(ctx)
	defer stop()
	src, err := openSource(reading, name, t.cmd.InOrStdin(), t.at.Offset, t.follow)
	if err != nil {
		return err
	}
	err = t.read(ctx, src)
	stop()
	if saving := t.save(); saving != nil {
		return errors.Join(err, saving)
	}
	if err == nil {
		err = t.askAll(ctx)
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return errors.Join(err, t.report())
}

// begin goes on with the session in its file, or starts one.
func (t *stream) begin(ctx context.Context) (err error) {
	if _, missing := os.Stat(t.file); t.file == "" || errors.Is(missing, fs.ErrNotExist) {
		t.session, err = t.m.NewSession()
		return err
	}
	var note string
	if t.session, note, err = t.m.LoadSession(ctx, t.file); err != nil {
		return err
	}
	if json.Unmarshal([]byte(note), &t.at) != nil || t.at.Offset < 0 {
		return fmt.Errorf("%s is no session of lrun stream", t.file)
	}
	return nil
}

// save keeps the session in its file, with how far the text was read.
func (t *stream) save() error {
	if t.file == "" {
		return nil
	}
	note, err := json.Marshal(t.at)
	if err != nil {
		return err
	}
	return t.session.Save(context.Background(), t.file, string(note))
}

// read feeds the session until the text, the limit or the context ends, and answers what is typed meanwhile.
func (t *stream) read(ctx context.Context, src *source) error {
	bar := t.newStatus()
	defer bar.close()
	typed := t.typed()
	t.next = t.askEvery
	if err := t.feed(ctx, bar); err != nil {
		return err
	}
	for t.limit == 0 || t.clock.Tokens < t.limit {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case question := <-typed:
			bar.close()
			if err := t.answer(ctx, question); err != nil {
				return err
			}
		case piece, more := <-src.pieces:
			if !more {
				return src.err
			}
			ids, err := t.m.Encode(piece, len(t.session.IDs()) == 0)
			if err != nil {
				return err
			}
			t.at.Offset, t.at.Rest = t.at.Offset+int64(len(piece)), ids
			if err := t.feed(ctx, bar); err != nil {
				return err
			}
		}
	}
	return nil
}

// slice is how many tokens are fed at once: the times are taken between.
const slice = 512

// feed reads the rest of a piece of the text, as far as the limit.
func (t *stream) feed(ctx context.Context, bar *status) error {
	for len(t.at.Rest) > 0 {
		n := min(slice, len(t.at.Rest))
		if t.limit > 0 {
			n = min(n, t.limit-t.clock.Tokens)
		}
		if n == 0 {
			return nil
		}
		start, ids := time.Now(), t.at.Rest[:n]
		t.at.Rest = t.at.Rest[n:] // the session has them from here on, whatever comes
		if err := t.session.Feed(ctx, ids); err != nil {
			return err
		}
		m := t.session.Memory()
		t.clock.Add(n, time.Since(start), m.DeviceBytes, m.HostBytes, m.FileBytes)
		bar.set(t.clock, m)
		if t.askEvery > 0 && t.clock.Tokens >= t.next {
			t.next += t.askEvery
			bar.close()
			if err := t.askAll(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// typed are the questions that are typed on the terminal while a file is read.
func (t *stream) typed() <-chan string {
	lines := make(chan string)
	if t.interactive {
		go func() { // ends with the program: reading a terminal cannot be cancelled
			in := bufio.NewScanner(t.cmd.InOrStdin())
			for in.Scan() {
				if in.Text() != "" {
					lines <- in.Text()
				}
			}
		}()
	}
	return lines
}

// askAll answers the questions of --ask.
func (t *stream) askAll(ctx context.Context) error {
	for _, question := range t.asks {
		if err := t.answer(ctx, question); err != nil {
			return err
		}
	}
	return nil
}

// answer answers a question in a fork of the session.
func (t *stream) answer(ctx context.Context, question string) error {
	fork, err := t.session.Fork(ctx)
	if err != nil {
		return err
	}
	defer fork.Close()
	out := t.cmd.OutOrStdout()
	if t.json {
		out = io.Discard
	} else if _, err := fmt.Fprintf(out, "[%s tokens] %s", humanize.Comma(int64(t.clock.Tokens)), question); err != nil {
		return err
	}
	options := append([]lrun.GenerateOption{lrun.WithTemperature(0), lrun.WithMaxTokens(32)}, t.draw.options(t.cmd.Flags())...)
	options = append(options, t.traced.options()...)
	a, err := view{}.generate(t.m, out, func(result lrun.GenerateOption) iter.Seq2[lrun.Token, error] {
		return fork.Generate(ctx, question, append(options, result)...)
	})
	if err != nil {
		return err
	}
	t.answers = append(t.answers, streamAnswer{question, a.Text, t.clock.Tokens})
	if err := t.traced.write(); err != nil {
		return err
	}
	if !t.json {
		t.s.summary(t.cmd, a.summary())
	}
	return nil
}

// report prints what came of it.
func (t *stream) report() error {
	m := t.session.Memory()
	if t.plot != "" {
		if err := eval.PlotTimeline(t.plot, t.title(), t.clock.Moments()); err != nil {
			return err
		}
	}
	if !t.json {
		t.s.notice(t.cmd, "%s in %.1f s; %s on the device; %s", humanize.Comma(int64(t.clock.Tokens))+" tokens", t.clock.Seconds,
			humanize.IBytes(uint64(m.DeviceBytes)), remembered(m))
		return nil
	}
	r := streamed{Answers: append([]streamAnswer{}, t.answers...), Tokens: t.clock.Tokens, Seconds: t.clock.Seconds, GPUBytes: m.DeviceBytes,
		HostBytes: m.HostBytes, FileBytes: m.FileBytes, SecondsPerToken: t.clock.ByDecade(), Timeline: t.clock.Moments(), Memory: m,
		Model: t.m.Info().Name}
	if n := len(t.answers); n > 0 {
		r.Answer = t.answers[n-1].Answer
	}
	return printJSON(t.cmd.OutOrStdout(), r)
}

// title is what a plot is called: the model, its memory in a word, and what it runs on.
func (t *stream) title() string {
	about := t.m.Info()
	memory, _, _ := strings.Cut(about.Memory, ":")
	return fmt.Sprintf("%s with memory %s on %s", about.Name, memory, about.Adapter)
}

// status is a line on a terminal that says how far the reading is.
type status struct {
	out  io.Writer // nil: none
	last time.Time
}

func (t *stream) newStatus() *status {
	if err := t.cmd.ErrOrStderr(); isTerminal(err) && !t.s.quiet {
		return &status{out: err}
	}
	return &status{}
}

func (b *status) set(clock eval.Timeline, m lrun.MemoryStats) {
	if b.out == nil || time.Since(b.last) < 200*time.Millisecond {
		return
	}
	b.last = time.Now()
	fmt.Fprintf(b.out, "\r\x1b[K%s tokens, %.0f/s, %s on the device, %s", humanize.Comma(int64(clock.Tokens)), clock.Rate(),
		humanize.IBytes(uint64(m.DeviceBytes)), remembered(m))
}

func (b *status) close() {
	if b.out != nil {
		fmt.Fprint(b.out, "\r\x1b[K")
	}
}

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

	"github.com/chzyer/readline"
	"github.com/spf13/cobra"

	"github.com/lrun/lrun"
	"github.com/lrun/lrun/tokenizer"
)

const chatHelp = `/system TEXT  give the model instructions, and start afresh
/reset        forget the conversation
/exit         leave; so do Ctrl-C and Ctrl-D
Ctrl-C        stop an answer`

func newChat(s *settings) *cobra.Command {
	c := &chat{settings: s}
	cmd := &cobra.Command{
		Use:   "chat",
		Short: "Talk with a model",
		Long: `Talk with a model, in its chat template, with the history of the conversation; where the checkpoint has no template,
each line and its answer are one growing text. Ctrl-C stops an answer. At the prompt:

` + chatHelp + `

Where stdin is no terminal, each of its lines is a turn.`,
		Example: `  lrun chat -m checkpoints/Qwen3-0.6B --system "Answer in one sentence."
  lrun chat -m checkpoints/Qwen3-0.6B --memory infllm --session work.lrun
  echo "Why is the sky blue?" | lrun chat -m checkpoints/Qwen3-0.6B --temperature 0`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := c.ahead.open(s, cmd); err != nil {
				return err
			}
			m, err := s.open(cmd)
			if err != nil {
				return errors.Join(err, c.ahead.close())
			}
			c.cmd, c.m, c.out = cmd, m, cmd.OutOrStdout()
			s.sayWhere(cmd, m)
			s.sayIgnored(cmd, m)
			return errors.Join(c.run(), c.ahead.close(), m.Close())
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&c.system, "system", "", "instructions for the model")
	c.draw.register(f)
	c.ahead.register(f)
	f.StringVar(&c.file, "session", "", "go on with the conversation in a file, and keep it there")
	f.BoolVar(&c.view.json, "json", false, "print each answer as a JSON object in a line")
	return cmd
}

// chat is a conversation.
type chat struct {
	*settings
	cmd  *cobra.Command
	m    *lrun.Model
	out  io.Writer
	draw sampling
	view view

	ahead speculation

	system  string
	file    string // of the session; "": none
	session *lrun.Session
	history []tokenizer.Message
}

func (c *chat) run() error {
	if !c.template() {
		if c.system != "" {
			return errors.New("--system: the checkpoint has no chat template")
		}
		c.notice(c.cmd, "the checkpoint has no chat template: your lines and its answers are one text")
	}
	if err := c.begin(); err != nil {
		return err
	}
	defer func() { c.session.Close() }()
	if isTerminal(c.cmd.InOrStdin()) {
		return c.talk()
	}
	return c.pipe()
}

// template reports whether the checkpoint knows turns.
func (c *chat) template() bool { return c.m.Tokenizer() != nil && c.m.Tokenizer().HasChatTemplate() }

// begin goes on with the conversation in the session's file, or starts one.
func (c *chat) begin() error {
	if _, err := os.Stat(c.file); c.file == "" || errors.Is(err, fs.ErrNotExist) {
		return c.reset()
	}
	var note string
	var err error
	if c.session, note, err = c.m.LoadSession(c.cmd.Context(), c.file); err != nil {
		return err
	}
	return json.Unmarshal([]byte(note), &c.history)
}

// save keeps the conversation in the session's file.
func (c *chat) save() error {
	if c.file == "" {
		return nil
	}
	note, err := json.Marshal(c.history)
	if err != nil {
		return err
	}
	return c.session.Save(c.cmd.Context(), c.file, string(note))
}

// reset starts the conversation anew.
func (c *chat) reset() (err error) {
	if c.session != nil {
		if err := c.session.Close(); err != nil {
			return err
		}
	}
	c.history = nil
	if c.system != "" {
		c.history = []tokenizer.Message{{Role: "system", Content: c.system}}
	}
	c.session, err = c.m.NewSession()
	return err
}

// talk reads turns from the terminal. What is wrong with one turn is said, and the next may come.
func (c *chat) talk() error {
	lines, err := readline.NewEx(&readline.Config{Prompt: "> ", Stdout: os.Stderr, InterruptPrompt: "\n", EOFPrompt: "\n"})
	if err != nil {
		return err
	}
	defer lines.Close()
	c.notice(c.cmd, "%s on %s; /help lists the commands", c.m.Info().Name, c.m.Info().Adapter)
	for {
		line, err := lines.Readline()
		if errors.Is(err, io.EOF) || errors.Is(err, readline.ErrInterrupt) {
			return nil
		}
		if err != nil {
			return err
		}
		done, err := c.turn(strings.TrimSpace(line))
		if done {
			return nil
		}
		if errors.Is(err, lrun.ErrContext) {
			err = fmt.Errorf("%w; /reset forgets the conversation", err)
		}
		if err != nil && !errors.Is(err, context.Canceled) {
			fmt.Fprintln(c.cmd.ErrOrStderr(), "lrun:", oneLine(err.Error()))
		}
	}
}

// pipe reads turns from stdin until one fails.
func (c *chat) pipe() error {
	lines := bufio.NewScanner(c.cmd.InOrStdin())
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		if done, err := c.turn(strings.TrimSpace(lines.Text())); done || err != nil {
			return err
		}
	}
	return lines.Err()
}

// turn does what a line says, and reports whether it says to leave.
func (c *chat) turn(line string) (done bool, err error) {
	command, rest, _ := strings.Cut(line, " ")
	switch {
	case line == "":
		return false, nil
	case command == "/exit":
		return true, nil
	case command == "/help":
		fmt.Fprintln(c.cmd.ErrOrStderr(), chatHelp)
		return false, nil
	case command == "/reset":
		return false, c.reset()
	case command == "/system" && !c.template():
		return false, errors.New("/system: the checkpoint has no chat template")
	case command == "/system":
		c.system = strings.TrimSpace(rest)
		return false, c.reset()
	case strings.HasPrefix(line, "/"):
		return false, fmt.Errorf("there is no command %s; /help lists those there are", command)
	}
	return false, c.answer(line)
}

// answer lets the model reply to a line. A turn without any answer leaves no trace in the history.
func (c *chat) answer(line string) error {
	ctx, stop := interruptible(c.cmd.Context())
	defer stop()
	messages := append(c.history, tokenizer.Message{Role: "user", Content: line})
	a, err := c.view.generate(c.m, c.out, func(result lrun.GenerateOption) iter.Seq2[lrun.Token, error] {
		options := append(append(c.draw.options(c.cmd.Flags()), c.ahead.options()...), result)
		switch {
		case c.template():
			return c.session.Chat(ctx, messages, options...)
		case len(c.session.IDs()) > 0:
			line = "\n" + line
		}
		return c.session.Generate(ctx, line, options...)
	})
	if len(a.IDs) > 0 {
		c.history = append(messages, tokenizer.Message{Role: "assistant", Content: a.Text})
		c.summary(c.cmd, a.summary())
		err = errors.Join(err, c.save())
	}
	return err
}

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/lrun/lrun/internal/testkit"
)

// greedy is a command line for a short continuation that is always the same.
func greedy(args ...string) []string {
	return append([]string{"generate", "--backend=cpu", "--temperature=0", "--max-tokens=15"}, args...)
}

const continuation = ", and the fire, and the fire, and the fire\n"

// Ensure that the prompt may come from anywhere, with the newline that a file ends with left out, and only from one place.
func TestPromptSources(t *testing.T) {
	file := filepath.Join(t.TempDir(), "prompt")
	if err := os.WriteFile(file, []byte("Once upon a time\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		stdin string
		args  []string
	}{
		{"ignored", []string{"Once upon a time"}},
		{"ignored", []string{"Once", "upon a", "time"}},
		{"Once upon a time\n", nil},
		{"Once upon a time", []string{"-"}},
		{"", []string{"-f", file}},
		{"Once upon a time", []string{"-f", "-"}},
		{"", []string{"--ids", "0,81,112,334,599,260,596"}},
	} {
		if out := succeed(t, c.stdin, greedy(c.args...)...); out != continuation {
			t.Errorf("%q: %q, want %q", c.args, out, continuation)
		}
	}
	status, _, stderr := lrunWith("", greedy("text", "--ids", "1")...)
	if status != 1 || !strings.Contains(stderr, "given twice") {
		t.Errorf("status %d, %s", status, stderr)
	}
}

// Ensure that flags reach the generation, and that what no flag says is generation_config.json's.
func TestGenerateFlags(t *testing.T) {
	if out := succeed(t, "", greedy("Once upon a time", "--echo")...); out != "Once upon a time"+continuation {
		t.Errorf("--echo: %q", out)
	}
	if out := succeed(t, "", greedy("Once upon a time", "--stop", "nowhere", "--stop", " the fire")...); out != ", and\n" {
		t.Errorf("--stop: %q", out)
	}
	a := decoded[answer](t, succeed(t, "", greedy("Once upon a time", "--stop-token", "13", "--json", "--logprobs", "--seed=7")...))
	if a.Seed != 7 || len(a.LogProbs) != len(a.IDs) || a.LogProbs[0].LogProb == nil || *a.LogProbs[0].LogProb >= 0 {
		t.Errorf("%+v", a)
	}
	lines := succeed(t, "", greedy("Once upon a time", "--logprobs")...)
	if strings.Count(lines, "\n") != 15 || !strings.Contains(lines, `" fire"`) && !strings.Contains(lines, `"ire"`) {
		t.Errorf("--logprobs: %s", lines)
	}
	a = decoded[answer](t, succeed(t, "", "generate", "--backend=cpu", "--json", "--ignore-eos", "Once upon a time"))
	if a.GeneratedTokens != 128 {
		t.Errorf("%d tokens, generation_config.json says 128", a.GeneratedTokens)
	}
	_, _, stderr := lrunWith("", greedy("-v", "Once upon a time")...)
	if !strings.Contains(stderr, "lrun: 7 tokens in") || !strings.Contains(stderr, "21 tokens read, 21 resident, 0 dropped") {
		t.Errorf("-v: %q", stderr)
	}
}

// pressing is a writer that does something after so many writes.
type pressing struct {
	made   bytes.Buffer
	writes int
	press  func() error
}

func (p *pressing) Write(b []byte) (int, error) {
	if p.writes--; p.writes == 0 {
		if err := p.press(); err != nil {
			return 0, err
		}
	}
	return p.made.Write(b)
}

// Ensure that an interrupted generation keeps what it made: as text with status 130, as JSON with status 0.
func TestInterrupt(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	out := &pressing{writes: 5, press: func() error { cancel(); return nil }}
	var stderr bytes.Buffer
	args := []string{"generate", "--backend=cpu", "--max-tokens=100000", "--ignore-eos", "--temperature=0", "Once upon a time"}
	if status := run(ctx, args, strings.NewReader(""), out, &stderr); status != 130 || stderr.Len() > 0 {
		t.Errorf("status %d, %s", status, &stderr)
	}
	if !strings.HasPrefix(out.made.String(), ", and") || !strings.HasSuffix(out.made.String(), "\n") {
		t.Errorf("%q", &out.made)
	}
	var object bytes.Buffer
	status := run(ctx, append(args, "--json"), strings.NewReader(""), &object, &stderr)
	if a := decoded[answer](t, object.String()); status != 0 || a.FinishReason != "cancelled" || a.IDs == nil {
		t.Errorf("status %d, %s", status, &object)
	}
	for _, args := range [][]string{{"score"}, {"logits", "-o", filepath.Join(t.TempDir(), "out")}} {
		if status := run(ctx, append(args, "-q", "some text"), strings.NewReader(""), io.Discard, &stderr); status != 130 {
			t.Errorf("%v: status %d", args, status)
		}
	}
}

// Ensure that a reader which goes away ends the program without a word, and any other failing write with one.
func TestOutputFails(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{{syscall.EPIPE, ""}, {errors.New("disk full"), "lrun: disk full\n"}} {
		out := &pressing{writes: 3, press: func() error { return c.err }}
		var stderr bytes.Buffer
		status := run(context.Background(), greedy("Once upon a time"), strings.NewReader(""), out, &stderr)
		if status != 1 || stderr.String() != c.want {
			t.Errorf("%v: status %d, %q", c.err, status, &stderr)
		}
	}
}

// Ensure that ids come out where a checkpoint has no tokenizer, those of the prompt too where it is to be echoed.
func TestIDsWithoutTokenizer(t *testing.T) {
	args := []string{"generate", "--backend=cpu", "-m", testkit.Testdata("golden", "gpt2"), "--ids=1,2", "--temperature=0", "-n=3"}
	a := decoded[answer](t, succeed(t, "", append(args, "--json")...))
	want := strings.Trim(fmt.Sprint(a.IDs), "[]") + "\n"
	if got := succeed(t, "", args...); len(a.IDs) != 3 || got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := succeed(t, "", append(args, "--echo")...); got != "1 2 "+want {
		t.Errorf("%q, want the prompt before %q", got, want)
	}
}

// Ensure that every number among the flags says its range or what it is when not given.
func TestHelpSaysRanges(t *testing.T) {
	for _, command := range []*cobra.Command{newGenerate(&settings{}), newChat(&settings{})} {
		command.Flags().VisitAll(func(f *pflag.Flag) {
			number := f.Value.Type() == "int" || f.Value.Type() == "float64" || f.Value.Type() == "uint32"
			if number && !regexp.MustCompile(`default|: (all|none)|\d+ to \d+`).MatchString(f.Usage) {
				t.Errorf("lrun %s: --%s: %s", command.Name(), f.Name, f.Usage)
			}
		})
	}
}

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lrun/lrun/internal/testkit"
)

// streamText is a text of some 1,500 tokens with a pass key near its start.
func streamText() string {
	return "The pass key is 29141. Remember it. 29141 is the pass key.\n" + strings.Repeat("The grass is green. The sky is blue. The sun is yellow. Here we go. There and back again. ", 60)
}

const streamQuestion = "\nWhat is the pass key? The pass key is"

func streamed1(t *testing.T, stdin string, args ...string) streamed {
	t.Helper()
	code, out, stderr := lrunWith(stdin, append([]string{"stream", "--backend", "cpu", "--json", "-q"}, args...)...)
	if code != 0 {
		t.Fatalf("lrun stream %v: %s", args, stderr)
	}
	var r streamed
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	return r
}

// Ensure that a stream, from a file or a pipe, is read to its end with the figures that scripts rely on, that the key of its
// start is found, and that the answer leaves no trace.
func TestStream(t *testing.T) {
	path := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(path, []byte(streamText()), 0o600); err != nil {
		t.Fatal(err)
	}
	ask := []string{"--ask", streamQuestion, "--ask", streamQuestion, "--max-tokens", "6", "--memory", "infllm"}
	r := streamed1(t, "", append(ask, path)...)
	if strings.TrimSpace(r.Answer) != "29141" || len(r.Answers) != 2 || r.Answers[0] != r.Answers[1] {
		t.Errorf("answers %+v, want 29141 twice", r.Answers)
	}
	if r.Tokens < 1400 || r.Seconds <= 0 || r.GPUBytes <= 0 || r.HostBytes <= 0 || r.SecondsPerToken["1000"] <= 0 || r.SecondsPerToken["10000"] <= 0 {
		t.Errorf("figures %+v", r)
	}
	piped := streamed1(t, streamText(), append(ask, "-")...)
	if piped.Tokens != r.Tokens || piped.Answer != r.Answer {
		t.Errorf("a pipe has %d tokens and %q, the file %d and %q", piped.Tokens, piped.Answer, r.Tokens, r.Answer)
	}
}

// Ensure that a stream goes on where its session ended, in a file that has grown.
func TestStreamGoesOn(t *testing.T) {
	dir := t.TempDir()
	path, session := filepath.Join(dir, "text"), filepath.Join(dir, "session")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	text := streamText()
	write(text[:len(text)/2])
	first := streamed1(t, "", path, "--session", session, "--limit", "300")
	write(text)
	second := streamed1(t, "", path, "--session", session, "--ask", streamQuestion, "--max-tokens", "6")
	whole := decoded[tokens](t, succeed(t, text, "tokenize", "--json")).IDs
	if n := len(whole); strings.TrimSpace(second.Answer) != "29141" || first.Tokens != 300 || second.Tokens != n-300 || second.Memory.Tokens > n {
		t.Errorf("%d and then %d tokens of %d, %q; memory %+v", first.Tokens, second.Tokens, n, second.Answer, second.Memory)
	}
	wrong(t, "with these options", "", "stream", path, "--session", session, "--memory", "sirllm", "--backend", "cpu")
}

// Ensure that trace writes what its viewer reads.
func TestTraceOfStream(t *testing.T) {
	file := filepath.Join(t.TempDir(), "out.json")
	code, _, stderr := lrunWith(streamText()+streamQuestion, "generate", "--memory", "infllm", "--temperature", "0", "--max-tokens", "6", "--context", "9000",
		"--trace", file, "--backend", "cpu", "-q")
	if code != 0 {
		t.Fatal(stderr)
	}
	if code, _, stderr := lrunWith("", "trace", "view", file); code != 0 {
		t.Fatal(stderr)
	}
	page, err := os.ReadFile(strings.TrimSuffix(file, ".json") + ".html")
	if err != nil || !strings.Contains(string(page), "29141") {
		t.Errorf("the page lacks the key (%v)", err)
	}
}

// Ensure that a model whose layers carry states is streamed without a memory.
func TestStreamOfStates(t *testing.T) {
	dir := copyModel(t) // for its tokenizer
	for _, name := range []string{"config.json", "model.safetensors"} {
		copyFile(t, testkit.Testdata("golden", "falcon_mamba", name), filepath.Join(dir, name))
	}
	text := strings.Repeat("7 9 7 3 ", 300) // ids that are in the small vocabulary
	r := streamed1(t, text, "-m", dir, "--ask", "7", "--max-tokens", "4", "-")
	if r.Tokens < 1000 || len(r.Answers) != 1 || r.Memory.Blocks != 0 || r.HostBytes != 0 {
		t.Errorf("%+v", r)
	}
}

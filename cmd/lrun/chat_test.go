package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lrun/lrun/internal/testkit"
)

// talking is a folder of the embedded model with a chat template.
func talking(t *testing.T) string {
	dir := copyModel(t)
	template := `{% for m in messages %}{{ m.role }}: {{ m.content }}` + "\n" + `{% endfor %}{% if add_generation_prompt %}assistant:{% endif %}`
	if err := os.WriteFile(filepath.Join(dir, "chat_template.jinja"), []byte(template), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// turns are the answers to lines of a chat.
func turns(t *testing.T, stdin string, args ...string) (all []answer) {
	t.Helper()
	out := succeed(t, stdin, append([]string{"chat", "--backend=cpu", "--json", "--temperature=0", "-n=4"}, args...)...)
	for lines := json.NewDecoder(strings.NewReader(out)); lines.More(); {
		var a answer
		if err := lines.Decode(&a); err != nil {
			t.Fatal(err)
		}
		all = append(all, a)
	}
	return all
}

// Ensure that a chat is rendered by the template with its history, that the cache serves it, and that commands work.
func TestChat(t *testing.T) {
	dir := talking(t)
	plain := turns(t, "hello\n\nwhat now\n", "-m", dir)
	if len(plain) != 2 || plain[0].CachedTokens != 0 || plain[1].CachedTokens < plain[0].PromptTokens {
		t.Fatalf("%+v", plain)
	}
	ids := decoded[tokens](t, succeed(t, "user: hello\nassistant:", "tokenize", "--json", "--no-special"))
	if plain[0].PromptTokens != len(ids.IDs) {
		t.Errorf("the first turn has %d tokens, its template %d", plain[0].PromptTokens, len(ids.IDs))
	}
	again := turns(t, "hello\n/reset\nhello\n/system Be brief.\nhello\n/exit\nunseen\n", "-m", dir)
	if len(again) != 3 || again[1].Text != plain[0].Text || again[1].PromptTokens != plain[0].PromptTokens {
		t.Fatalf("%+v", again)
	}
	briefed := turns(t, "hello\n", "-m", dir, "--system", "Be brief.")
	if again[2].PromptTokens <= plain[0].PromptTokens || briefed[0].Text != again[2].Text {
		t.Errorf("system message: %+v, %+v", again[2], briefed)
	}
}

// Ensure that without a template lines continue one text, and that what needs one says so.
func TestChatWithoutTemplate(t *testing.T) {
	all := turns(t, "Once upon a time\nThen\n")
	if len(all) != 2 || all[1].CachedTokens < 7 {
		t.Errorf("%+v", all)
	}
	for _, c := range [][]string{{"", "chat", "--system", "x"}, {"/system x\n", "chat"}, {"/nope\n", "chat"}} {
		status, _, stderr := lrunWith(c[0], append(c[1:], "--backend=cpu", "-q")...)
		if status != 1 || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%q: status %d, %s", c, status, stderr)
		}
	}
	status, _, stderr := lrunWith("hello\n", "chat", "--backend=cpu", "-q", "-m", testkit.Testdata("golden", "gpt2"))
	if status != 1 || !strings.Contains(stderr, "no tokenizer") {
		t.Errorf("status %d, %s", status, stderr)
	}
}

// Ensure that a conversation goes on from its file as if it had not been parted, and that one of other options is refused.
func TestChatSession(t *testing.T) {
	dir, file := talking(t), filepath.Join(t.TempDir(), "session")
	whole := turns(t, "hello\nwhat now\nand then\n", "-m", dir)
	first := turns(t, "hello\n", "-m", dir, "--session", file)
	rest := turns(t, "what now\nand then\n", "-m", dir, "--session", file)
	parted := append(first, rest...)
	if len(parted) != len(whole) {
		t.Fatalf("%d turns, want %d", len(parted), len(whole))
	}
	for i := range whole {
		if parted[i].Text != whole[i].Text || parted[i].CachedTokens != whole[i].CachedTokens {
			t.Errorf("turn %d: %q with %d tokens cached, want %q with %d", i, parted[i].Text, parted[i].CachedTokens, whole[i].Text, whole[i].CachedTokens)
		}
	}
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	wrong(t, "with these options", "hello\n", "chat", "-m", dir, "--session", file, "--memory", "sirllm", "--backend=cpu")
	if after, err := os.ReadFile(file); err != nil || !bytes.Equal(after, before) {
		t.Errorf("a refused file has changed (%v)", err)
	}
}

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const smallTrace = `{
	"version": 1, "model": "tiny", "memory": "infllm", "layers": 1, "block_size": 16, "tokens_read": 256, "blocks": 15,
	"prompt": "What is the pass key?", "answer": " 29141",
	"steps": [{"position": 256, "token": " 29141", "id": 7, "layers": [{"looked_up": [3], "fetched": [3]}]}],
	"texts": {"3": {"from": 64, "to": 80, "text": "The pass key is 29141."}}
}`

// Ensure that a page lands beside its trace, where -o says, or on stdout.
func TestTraceView(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "out.json")
	if err := os.WriteFile(file, []byte(smallTrace), 0o600); err != nil {
		t.Fatal(err)
	}
	want := succeed(t, smallTrace, "trace", "view", "-")
	if !strings.Contains(want, "The pass key is 29141.") || !strings.HasPrefix(want, "<!doctype html>") {
		t.Errorf("%s", want)
	}
	if out := succeed(t, "", "trace", "view", file) + succeed(t, "", "trace", "view", file, "-o", filepath.Join(dir, "page.html")); out != "" {
		t.Errorf("printed %q", out)
	}
	for _, name := range []string{"out.html", "page.html"} {
		if page, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(page) != want {
			t.Errorf("%s: %v, %d bytes, want %d", name, err, len(page), len(want))
		}
	}
}

// Ensure that what cannot be shown is one line that names the file and what is wrong with it, and that nothing is written.
func TestTraceViewErrors(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "out.json")
	if err := os.WriteFile(file, []byte(strings.Replace(smallTrace, `"version": 1`, `"version": 9`, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, args := range map[string][]string{
		"lrun: " + file + ": version 9 of the trace format":                      {file},
		"lrun: " + filepath.Join(dir, "none.json") + ": no such file":            {filepath.Join(dir, "none.json")},
		"lrun: -: not a trace: ":                                                 {"-"},
		"lrun: " + filepath.Join(dir, "no", "page.html") + ": no such file or d": {"-", "-o", filepath.Join(dir, "no", "page.html")},
	} {
		stdin := ""
		if len(args) > 1 {
			stdin = smallTrace
		}
		status, _, stderr := lrunWith(stdin, append([]string{"trace", "view"}, args...)...)
		if status != 1 || !strings.HasPrefix(stderr, want) {
			t.Errorf("%q: status %d: %s", args, status, stderr)
		}
	}
	if all, err := os.ReadDir(dir); err != nil || len(all) != 1 {
		t.Errorf("%v, %v", all, err)
	}
}

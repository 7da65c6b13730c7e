package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/lrun/lrun"
	"github.com/lrun/lrun/internal/testkit"
)

// Ensure that a quantised folder has the tokenizer and says what it is, in q4 unless told otherwise, and that it generates what
// the original does with the same --quant.
func TestQuantize(t *testing.T) {
	dir := testkit.Testdata("tiny")
	for _, format := range []string{"q4", "q8"} {
		out := filepath.Join(t.TempDir(), "out")
		args := []string{"quantize", dir, out, "--json"}
		if format == "q8" {
			args = append(args, "--quant", "q8")
		}
		q := decoded[lrun.Quantised](t, succeed(t, "", args...))
		if q.Format != format || q.Matrices != 29 || q.Others != 9 || q.Bytes >= q.Before {
			t.Errorf("%+v", q)
		}
		if text := succeed(t, "", "info", "-m", out); !strings.Contains(text, "lrun: "+format+" in groups of 32; loaded as they are") {
			t.Error(text)
		}
		generate := []string{"generate", "--backend", "cpu", "--temperature", "0", "-n", "12", "Once upon a time"}
		got := succeed(t, "", append(generate, "-m", out)...)
		if want := succeed(t, "", append(generate, "-m", dir, "--quant", format)...); got != want {
			t.Errorf("%s: %q, want %q", format, got, want)
		}
	}
}

// Ensure that a folder that is there is refused, and a choice that changes nothing.
func TestQuantizeErrors(t *testing.T) {
	dir := testkit.Testdata("tiny")
	for want, args := range map[string][]string{
		"is there already":   {dir, dir},
		"changes nothing":    {dir, filepath.Join(t.TempDir(), "out"), "--quant", "none"},
		"accepts 2 arg(s)":   {dir},
		"there is no folder": {filepath.Join(dir, "gone"), filepath.Join(t.TempDir(), "out")},
	} {
		var stdout, stderr strings.Builder
		status := run(t.Context(), append([]string{"quantize"}, args...), strings.NewReader(""), &stdout, &stderr)
		if status != 1 || !strings.Contains(stderr.String(), want) {
			t.Errorf("%q: status %d, %s", args, status, stderr.String())
		}
	}
}

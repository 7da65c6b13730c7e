package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lrun/lrun/internal/testkit"
)

// Ensure that text becomes ids, with special tokens or without, and that the weights are not needed.
func TestTokenize(t *testing.T) {
	dir := t.TempDir()
	copyFile(t, testkit.Testdata("tiny", "tokenizer.json"), filepath.Join(dir, "tokenizer.json"))
	want := []int32{0, 81, 112, 334, 599, 260, 596}
	for _, model := range []string{"", dir} {
		got := decoded[tokens](t, succeed(t, "Once upon a time", "tokenize", "--json", "-m", model))
		if !slices.Equal(got.IDs, want) {
			t.Errorf("%v, want %v", got.IDs, want)
		}
		got = decoded[tokens](t, succeed(t, "Once upon a time", "tokenize", "--json", "--no-special", "-m", model))
		if !slices.Equal(got.IDs, want[1:]) {
			t.Errorf("--no-special: %v, want %v", got.IDs, want[1:])
		}
	}
	if out := succeed(t, "", "tokenize", "Once", "upon a time"); out != "0 81 112 334 599 260 596\n" {
		t.Errorf("%q", out)
	}
	if out := succeed(t, "", "tokenize", "--no-special", "--json"); out != "{\"ids\":[]}\n" {
		t.Errorf("no text: %q", out)
	}
}

// Ensure that a text, a large one too, comes back from its ids as it was, in whatever form they are.
func TestTokenizeRoundTrip(t *testing.T) {
	text := "“Grüße”, 世界!\t<b>\n\n" + strings.Repeat("all the same, 1234 times\n", 50_000)
	for _, form := range []string{"--json", "--json=false"} {
		ids := succeed(t, text, "tokenize", "--no-special", form)
		if got := succeed(t, ids, "tokenize", "--decode"); got != text {
			t.Errorf("%s: %d bytes come back of %d", form, len(got), len(text))
		}
	}
	for _, ids := range []string{"0,81,112", " 0 81\n112\n", "[0,81,112]", `{"ids":[0,81,112]}`} {
		if got := succeed(t, "", "tokenize", "--decode", ids); got != "<|bos|>On" {
			t.Errorf("%q: %q", ids, got)
		}
		if got := succeed(t, ids, "tokenize", "--decode", "--skip-special", "--json"); got != "{\"text\":\"On\"}\n" {
			t.Errorf("%q: %q", ids, got)
		}
	}
}

// copyFile copies a file, or a part of it.
func copyFile(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/lrun/lrun/internal/testkit"
)

// Ensure that guesses change no answer, that they are counted, and that flags which contradict each other are errors.
func TestSpeculate(t *testing.T) {
	tiny := testkit.Testdata("tiny")
	want := decoded[answer](t, succeed(t, "", greedy("Once upon a time", "--json")...))
	for _, flags := range [][]string{{"--speculate", "lookup"}, {"--speculate", "lookup:3"}, {"--draft", tiny}, {"--draft", tiny, "--speculate", "draft:2"}} {
		got := decoded[answer](t, succeed(t, "", greedy(append(flags, "Once upon a time", "--json")...)...))
		if !slices.Equal(got.IDs, want.IDs) || got.AcceptedTokens == 0 || got.DraftedTokens < got.AcceptedTokens {
			t.Errorf("%q: %+v, want the ids %v", flags, got, want.IDs)
		}
		_, _, stderr := lrunWith("", greedy(append(flags, "-v", "Once upon a time")...)...)
		if !strings.Contains(stderr, " guesses right") {
			t.Errorf("%q: %q", flags, stderr)
		}
		plain := succeed(t, "Hello\nand then?\n", "chat", "--backend=cpu", "--temperature=0", "--max-tokens=20")
		if chat := succeed(t, "Hello\nand then?\n", append([]string{"chat", "--backend=cpu", "--temperature=0", "--max-tokens=20"}, flags...)...); chat != plain {
			t.Errorf("%q: the chat is %q, want %q", flags, chat, plain)
		}
	}
	for _, c := range []struct{ want, flags string }{
		{"want lookup", "--speculate guess"}, {"name the draft model", "--speculate draft:3"}, {"not a number", "--speculate lookup:x"},
		{"choose one", "--speculate lookup --draft " + tiny}, {"want 1 to 32", "--speculate lookup:0"}, {"no folder", "--draft nowhere"},
	} {
		status, _, stderr := lrunWith("", greedy(append(strings.Fields(c.flags), "text")...)...)
		if status != 1 || !strings.Contains(stderr, c.want) {
			t.Errorf("%s: status %d, %s", c.flags, status, stderr)
		}
	}
}

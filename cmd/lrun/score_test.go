package main

import (
	"math"
	"strings"
	"testing"
)

// Ensure that a score adds up, and reads the same in both forms.
func TestScore(t *testing.T) {
	onBackends(t, func(t *testing.T, backend string) {
		s := decoded[scored](t, succeed(t, "Once upon a time", "score", backend, "--json"))
		if len(s.Tokens) != 7 || s.Tokens[0].LogProb != nil || s.Tokens[4].Text != " upon" || s.PromptTokens != 7 {
			t.Fatalf("%+v", s)
		}
		total := 0.0
		for _, token := range s.Tokens[1:] {
			total += *token.LogProb
		}
		if math.Abs(total-*s.Total) > 1e-9 || math.Abs(*s.Total+25.9546) > 1e-2 || math.Abs(math.Exp(-total/6)-*s.Perplexity) > 1e-6 {
			t.Errorf("total %v, perplexity %v, sum %v", *s.Total, *s.Perplexity, total)
		}
		table := succeed(t, "", "score", backend, "--ids", "0,81,112,334,599,260,596")
		if !strings.Contains(table, `" upon"`) || !strings.Contains(table, "total of 6 tokens, perplexity 75.6") {
			t.Errorf("%s", table)
		}
	})
	// One token has no probability at all, and no perplexity.
	if s := decoded[scored](t, succeed(t, "", "score", "--backend=cpu", "--ids", "5", "--json")); s.Perplexity != nil {
		t.Errorf("%+v", s)
	}
}

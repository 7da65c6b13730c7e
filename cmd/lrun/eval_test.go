package main

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lrun/lrun/internal/testkit"
)

// book writes a text to measure.
func book(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "book.txt")
	text := strings.Repeat("It was a dark night, and the old man walked down to the river with his dog.\n", 60)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Ensure that perplexity by bucket is what score says of the same tokens, on every backend, and that methods are compared
// and drawn.
func TestEvalPerplexity(t *testing.T) {
	text := book(t)
	onBackends(t, func(t *testing.T, backend string) {
		picture := filepath.Join(t.TempDir(), "loss.png")
		r := decoded[perplexities](t, succeed(t, "", "eval", "perplexity", text, "--buckets", "64,512", "--windows", "1", "--json",
			backend, "--rope", "linear:2", "--compare", "own", "--compare", "lambda:4,60", "--plot", picture))
		if r.Rope != "linear:2" || len(r.Compared) != 2 || r.Compared[0].Rope != "own" || r.Tokens != 512 {
			t.Fatalf("%+v", r)
		}
		for _, one := range append(r.Compared, r) {
			b := one.Buckets
			if len(b) != 2 || b[0].Tokens != 64 || b[1].To != 512 || !(*b[0].Perplexity > 1) || b[1].DeviceBytes == 0 {
				t.Errorf("%s: %+v", one.Rope, b)
			}
		}
		if full, lambda := *r.Compared[0].Buckets[0].Perplexity, *r.Compared[1].Buckets[0].Perplexity; math.Abs(full-lambda) > 0.05*full {
			t.Errorf("within 64 tokens lambda has %v, full attention %v", lambda, full)
		}
		if _, err := os.Stat(picture); err != nil {
			t.Error(err)
		}
	})
	table := succeed(t, "", "eval", "perplexity", text, "--context", "128", "--stride", "64", "--buckets", "100,1000", "--backend", "cpu")
	if !strings.Contains(table, "100-1000") || !strings.Contains(table, "all") {
		t.Error(table)
	}
}

// Ensure that the perplexities of the model's card come out.
func TestModelCard(t *testing.T) {
	if testing.Short() {
		t.Skip("slow: 4,096 tokens")
	}
	text := testkit.OnlyShared(t, "models", "tiny-data", "heldout.txt")
	for rope, want := range map[string][]float64{
		"linear:4":      {92.80, 80.31, 76.17, 94.19},
		"lambda:10,200": {43.71, 40.74, 39.71, 44.08},
	} {
		r := decoded[perplexities](t, succeed(t, "", "eval", "perplexity", text, "--rope", rope, "--buckets", "256,512,1024,4096", "--json"))
		for i, w := range want {
			if got := *r.Buckets[i].Perplexity; math.Abs(got-w) > 0.02*w {
				t.Errorf("%s, %d-%d: perplexity %.2f, want %.2f", rope, r.Buckets[i].From, r.Buckets[i].To, got, w)
			}
		}
	}
}

// Ensure that the tasks run, write their outcomes, draw them, and go on where they were.
func TestEvalTasks(t *testing.T) {
	dir := t.TempDir()
	out, picture := filepath.Join(dir, "out.jsonl"), filepath.Join(dir, "heat.png")
	args := []string{"eval", "passkey", "--lengths", "128,256", "--depths", "2", "--samples", "1", "--backend", "cpu", "--json", "--out", out}
	r := decoded[tasked](t, succeed(t, "", append(args, "--plot", picture)...))
	if len(r.Outcomes) != 4 || len(r.Lengths) != 2 || r.Lengths[0].Right < 0.5 {
		t.Errorf("%+v", r.Lengths)
	}
	for _, file := range []string{out, picture} {
		if info, err := os.Stat(file); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", file, err)
		}
	}
	again := decoded[tasked](t, succeed(t, "", append(args, "--resume")...))
	if len(again.Outcomes) != 4 || again.Outcomes[3] != r.Outcomes[3] {
		t.Errorf("resumed: %+v, first %+v", again.Outcomes[3], r.Outcomes[3])
	}
	wrong(t, "another run", "", append(args, "--resume", "--seed", "1")...)
	for _, task := range []string{"needle", "lines"} {
		table := succeed(t, "", "eval", task, "--lengths", "256", "--depths", "1", "--samples", "1", "--backend", "cpu")
		if !strings.Contains(table, "256") {
			t.Error(table)
		}
	}
	questions := filepath.Join(dir, "qa.jsonl")
	line := `{"conversations": [{"from": "human", "value": "The magic number of Paris is 739. The magic number of Paris is"}, {"from": "gpt", "value": "739"}]}`
	if err := os.WriteFile(questions, []byte(line), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, task := range []string{"altqa", "freeqa"} {
		if r := decoded[tasked](t, succeed(t, "", "eval", task, questions, "--backend", "cpu", "--json")); len(r.Outcomes) != 1 {
			t.Errorf("%s: %+v", task, r)
		}
	}
}

// Ensure that what cannot be measured is an error that says why.
func TestEvalRefusals(t *testing.T) {
	text := book(t)
	out := filepath.Join(t.TempDir(), "out.jsonl")
	if err := os.WriteFile(out, []byte("{}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	wrong(t, "no such file", "", "eval", "perplexity", "nowhere.txt")
	wrong(t, `"x" is not a number of tokens`, "", "eval", "perplexity", text, "--buckets", "x")
	wrong(t, "rising order", "", "eval", "perplexity", text, "--buckets", "512,256")
	wrong(t, "factor is missing or 0", "", "eval", "perplexity", text, "--rope", "linear:0")
	wrong(t, "known are", "", "eval", "perplexity", text, "--compare", "spiral")
	wrong(t, "a stride of 300", "", "eval", "perplexity", text, "--stride", "300", "--context", "256")
	wrong(t, "--resume needs --out", "", "eval", "passkey", "--resume")
	wrong(t, "too short for its question", "", "eval", "passkey", "--lengths", "16")
	wrong(t, "holds results already", "", "eval", "passkey", "--lengths", "128", "--out", out)
	wrong(t, "another run", "", "eval", "passkey", "--lengths", "128", "--out", out, "--resume")
	wrong(t, "empty rope", "", greedy("Once", "--rope", "")...)
	wrong(t, "has no cases", "", "eval", "altqa", os.DevNull)
	wrong(t, "at least one of each", "", "eval", "lines", "--samples", "0")
	cases := filepath.Join(t.TempDir(), "cases.jsonl")
	if err := os.WriteFile(cases, []byte(`{"prompt": "a", "answer": "b", "length": 64}`), 0o600); err != nil {
		t.Fatal(err)
	}
	wrong(t, "no cases of the lengths 128", "", "eval", "passkey", "--data", cases, "--lengths", "128")
	wrong(t, "[data seed]", "", "eval", "passkey", "--data", cases, "--seed", "1")
}

// Ensure that the rope is described and drawn, and that every command takes another.
func TestRopeFlag(t *testing.T) {
	picture := filepath.Join(t.TempDir(), "rope.png")
	if text := succeed(t, "", "info", "--rope", "yarn:4", "--plot", picture); !strings.Contains(text, "yarn factor 4 of 256 tokens") {
		t.Error(text)
	}
	if _, err := os.Stat(picture); err != nil {
		t.Error(err)
	}
	if text := succeed(t, "", "info", "--rope", "lambda:10,200"); !strings.Contains(text, "no end") || !strings.Contains(text, "first 10 and the last 200") {
		t.Error(text)
	}
	plain := succeed(t, "", greedy("Once upon a time")...)
	linear := succeed(t, "", greedy("Once upon a time", "--rope", "linear:4")...)
	if plain == linear {
		t.Errorf("--rope linear:4 changes nothing: %s", plain)
	}
	wrong(t, "the form is yarn:4", "", greedy("Once", "--rope", "yarn")...)
}

package eval

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lrun/lrun"
	"github.com/lrun/lrun/testdata"
)

// tiny opens the embedded model on the CPU.
func tiny(t *testing.T, options ...lrun.Option) *lrun.Model {
	t.Helper()
	m, err := lrun.OpenFS(testdata.Tiny(), "tiny", append(options, lrun.WithBackend("cpu"))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// prose is some text.
func prose(tokens int) string {
	return strings.Repeat("It was a dark night, and the old man walked down to the river with his dog. ", tokens/18)
}

// Ensure that the buckets hold the mean losses of their positions over all windows, as worked out token by token.
func TestPerplexityByPosition(t *testing.T) {
	m := tiny(t)
	text := prose(400)
	ids, err := m.Encode(text, false)
	if err != nil {
		t.Fatal(err)
	}
	calls := 0
	loss, err := Perplexity{Buckets: []int{16, 50, 100}, Windows: 3}.Run(t.Context(), m, text, func(int, int) { calls++ })
	if err != nil {
		t.Fatal(err)
	}
	var sum [3]float64
	step := (len(ids) - 100) / 2
	for w := range 3 {
		probs, err := m.ScoreIDs(t.Context(), append([]int32{0}, ids[w*step:w*step+100]...)) // <|bos|> is 0
		if err != nil {
			t.Fatal(err)
		}
		for i, p := range probs[1:] {
			switch {
			case i < 16:
				sum[0] -= p
			case i < 50:
				sum[1] -= p
			default:
				sum[2] -= p
			}
		}
	}
	for i, n := range []int{16, 34, 50} {
		b := loss.Buckets[i]
		if want := sum[i] / float64(3*n); b.Tokens != 3*n || math.Abs(*b.NLL-want) > 1e-9 || math.Abs(*b.Perplexity-math.Exp(want)) > 1e-6 {
			t.Errorf("bucket %d-%d: %d tokens, loss %v, want %d and %v", b.From, b.To, b.Tokens, *b.NLL, 3*n, want)
		}
	}
	if want := math.Exp((sum[0] + sum[1] + sum[2]) / 300); math.Abs(loss.Perplexity-want) > 1e-6 || loss.Tokens != 300 {
		t.Errorf("perplexity %v of %d tokens, want %v of 300", loss.Perplexity, loss.Tokens, want)
	}
	if len(loss.ByPosition) != 100 || calls == 0 {
		t.Errorf("%d positions, %d calls of progress", len(loss.ByPosition), calls)
	}
}

// Ensure that a text shorter than the last bucket leaves it empty, and that one token is an error.
func TestPerplexityOfShortTexts(t *testing.T) {
	m := tiny(t)
	loss, err := Perplexity{Buckets: []int{8, 64, 128}}.Run(t.Context(), m, "It was a dark night, and the old man walked", nil)
	if err != nil || loss.Windows != 1 || loss.Buckets[0].Tokens != 8 || loss.Buckets[2].Tokens != 0 || loss.Buckets[2].Perplexity != nil {
		t.Errorf("%+v, error %v", loss, err)
	}
	if _, err := (Perplexity{Buckets: []int{8}}).Run(t.Context(), m, "", nil); err == nil {
		t.Error("no text, no error")
	}
}

// Ensure that sliding windows predict every token but the first once, each with nearly a window before it.
func TestSlidingWindows(t *testing.T) {
	ids := make([]int32, 103)
	for i := range ids {
		ids[i] = int32(i)
	}
	for _, p := range []Perplexity{{Stride: 8, Window: 32}, {Stride: 31, Window: 32}, {Stride: 1, Window: 2}, {Stride: 5, Window: 200}} {
		windows, err := p.slide(ids)
		if err != nil {
			t.Fatal(err)
		}
		next := 1
		for _, w := range windows {
			if len(w.ids) > p.Window || int(w.ids[0]) != w.pos {
				t.Fatalf("%+v: a window of %d tokens at %d", p, len(w.ids), w.pos)
			}
			for i := max(1, w.from); i < len(w.ids); i++ {
				if int(w.ids[i]) != next {
					t.Fatalf("%+v: token %d is counted, want %d", p, w.ids[i], next)
				}
				if next > p.Window && i < p.Window-p.Stride {
					t.Errorf("%+v: token %d has only %d before it", p, next, i)
				}
				next++
			}
		}
		if next != len(ids) {
			t.Errorf("%+v: %d tokens are counted, want %d", p, next-1, len(ids)-1)
		}
	}
	if _, err := (Perplexity{Stride: 32, Window: 32}).slide(ids); err == nil {
		t.Error("a stride that leaves tokens out is no error")
	}
}

// Ensure that made cases fit their length, nearly fill it, and hide what they ask for where they say.
func TestGrid(t *testing.T) {
	m := tiny(t)
	g := Grid{Lengths: []int{128, 512}, Depths: 3, Samples: 2, Seed: 7}
	tasks := map[string]func() ([]Case, error){
		"passkey":       func() ([]Case, error) { return g.Passkeys(m) },
		"needle":        func() ([]Case, error) { return g.Needles(m, 3, 1) },
		"needle values": func() ([]Case, error) { return g.Needles(m, 1, 2) },
		"lines":         func() ([]Case, error) { return g.Lines(m) },
	}
	for name, task := range tasks {
		cases, err := task()
		if err != nil || len(cases) != 12 {
			t.Fatalf("%s: %d cases, %v", name, len(cases), err)
		}
		again, _ := task()
		seen := map[string]bool{}
		for i, c := range cases {
			ids, err := m.Encode(c.Prompt, true)
			if err != nil {
				t.Fatal(err)
			}
			if n := len(ids) + c.Tokens; n > c.Length || n < c.Length-48 {
				t.Errorf("%s: %s takes %d tokens of %d", name, c.ID, n, c.Length)
			}
			first := strings.Index(c.Prompt, strings.TrimSpace(c.Answers[0]))
			if at := float64(first) / float64(len(c.Prompt)); first < 0 || name != "needle" && math.Abs(at-c.Depth) > 0.35 {
				t.Errorf("%s: %s stands at %.2f, want %.2f", name, c.ID, at, c.Depth)
			}
			if seen[c.ID] || again[i].Prompt != c.Prompt {
				t.Errorf("%s: %s is there twice, or other in a second run", name, c.ID)
			}
			seen[c.ID] = true
		}
	}
	if _, err := (Grid{Lengths: []int{16}, Depths: 1, Samples: 1}).Passkeys(m); err == nil {
		t.Error("a text too short for its question is no error")
	}
	if _, err := (Grid{Lengths: []int{128}, Depths: 1}).Lines(m); err == nil {
		t.Error("no samples, no error")
	}
	if _, err := g.Needles(m, 0, 1); err == nil {
		t.Error("no needles, no error")
	}
}

// Ensure that answers are judged as the tasks say.
func TestJudges(t *testing.T) {
	one := func(answers ...string) *Case { return &Case{Answers: answers} }
	for _, c := range []struct {
		name string
		got  float64
		want float64
	}{
		{"all digits", Digits(one(" 29141"), " 29141."), 1},
		{"three of five digits", Digits(one(" 29141"), "29941 1"), 0.8},
		{"no digits", Digits(one("29141"), ""), 0},
		{"the first number", FirstNumber(one("4711"), "The content is <4711>, not 12."), 1},
		{"a longer number", FirstNumber(one("4711"), "47112"), 0.8},
		{"another first number", FirstNumber(one("4711"), "line 5 has 4711"), 0},
		{"no number", FirstNumber(one("4711"), "none"), 0},
		{"both numbers", Numbers(one(" 739", "15"), "15 and 739."), 1},
		{"one number", Numbers(one(" 739", "15"), "7391, 15"), 0.5},
		{"present", Presence(one("The Nile"), "It is the nile, of course"), 1},
		{"absent", Presence(one("The Nile"), "the Danube"), 0},
	} {
		if math.Abs(c.got-c.want) > 1e-9 {
			t.Errorf("%s: %v, want %v", c.name, c.got, c.want)
		}
	}
}

// Ensure that the model finds pass keys within its window, that outcomes are written as they come, and that an
// interrupted run goes on after a torn line without asking again.
func TestRunResumes(t *testing.T) {
	m := tiny(t)
	cases, err := Grid{Lengths: []int{128}, Depths: 2, Samples: 2}.Passkeys(m)
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "out.jsonl")
	h := Header{Task: "passkey", Model: "tiny"}
	all, err := Run(t.Context(), m, cases, Digits, h, out, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	right := ByLength(all)
	if len(right) != 1 || right[0].Cases != 4 || right[0].Right < 0.75 {
		t.Errorf("pass keys within the window: %+v", right)
	}
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(data, []byte("\n"))
	marked := bytes.Replace(lines[1], []byte(`"seconds":`), []byte(`"seconds":1000`), 1)
	torn := slices.Concat(lines[0], marked, lines[2], lines[3][:10])
	if err := os.WriteFile(out, torn, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Run(t.Context(), m, cases, Digits, h, out, false, nil); err == nil || !strings.Contains(err.Error(), "holds results already") {
		t.Errorf("a file with results: error %v", err)
	}
	if _, err := Run(t.Context(), m, cases, Digits, Header{Task: "lines"}, out, true, nil); err == nil || !strings.Contains(err.Error(), "another run") {
		t.Errorf("a file of another run: error %v", err)
	}
	if _, err := Run(t.Context(), m, cases[1:], Digits, h, out, true, nil); err == nil || !strings.Contains(err.Error(), "another run") {
		t.Errorf("a file of other cases: error %v", err)
	}
	notes := filepath.Join(t.TempDir(), "notes.txt")
	if err := os.WriteFile(notes, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Run(t.Context(), m, cases, Digits, h, notes, true, nil); err == nil || !strings.Contains(err.Error(), "no file of results") {
		t.Errorf("a file of something else: error %v", err)
	}
	if kept, _ := os.ReadFile(notes); string(kept) != "mine" {
		t.Errorf("a file of something else is now %q", kept)
	}
	again, err := Run(t.Context(), m, cases, Digits, h, out, true, nil)
	if err != nil || len(again) != 4 || again[0].Seconds < 1000 {
		t.Fatalf("%d outcomes, the first in %v s, error %v", len(again), again[0].Seconds, err)
	}
	if data, err = os.ReadFile(out); err != nil {
		t.Fatal(err)
	}
	for i, line := range bytes.Split(bytes.TrimSpace(data), []byte("\n")) {
		if !json.Valid(line) {
			t.Errorf("line %d is %s", i+1, line)
		}
	}
	if n := bytes.Count(data, []byte("\n")); n != 5 {
		t.Errorf("%d lines, want 5", n)
	}
}

// Ensure that files of cases are read in all their forms, thinned evenly, and refused with the line that is wrong.
func TestReadCases(t *testing.T) {
	m := tiny(t)
	write := func(text string) string {
		path := filepath.Join(t.TempDir(), "cases.jsonl")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	cases, err := ReadCases(m, write(`{"prompt": "The key is", "answer": " 12", "length": 64, "depth": 0.5}
{"prompt": "line a", "expected_number": 4711}

{"conversations": [{"from": "human", "value": "Who?"}, {"from": "gpt", "value": "Ada"}]}`), 0)
	if err != nil || len(cases) != 3 {
		t.Fatalf("%d cases, %v", len(cases), err)
	}
	if c := cases[0]; c.Length != 64 || c.Depth != 0.5 || c.Answers[0] != " 12" || c.Tokens < 1 {
		t.Errorf("%+v", c)
	}
	if c := cases[1]; c.Answers[0] != "4711" || c.Length < 4 {
		t.Errorf("%+v", c)
	}
	if c := cases[2]; c.Prompt != "Who?" || c.Answers[0] != "Ada" {
		t.Errorf("%+v", c)
	}
	for text, want := range map[string]string{"": "has no cases", "{}": "line 1: no prompt and answer", "{\"prompt\": \"a\", \"answer\": \"b\"}\n{": "line 2",
		`[{"prompt": "a", "answer": "b"}, {}]`: "row 2: no prompt and answer", "[{]": "an array", "[]": "has no cases",
		`{"conversations": [{"value": "Who?"}]}`: "has 1 turns"} {
		if _, err := ReadCases(m, write(text), 0); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", text, err, want)
		}
	}
	array, err := ReadCases(m, write("\n[{\"prompt\": \"a\", \"answer\": \"b\"},\n {\"prompt\": \"c\", \"expected_number\": 7}]"), 0)
	if err != nil || len(array) != 2 || array[1].Answers[0] != "7" || array[1].ID != "row-2" || array[1].Tokens != 35 {
		t.Errorf("an array: %+v, error %v", array, err)
	}
	var many []Case
	for i := range 40 {
		many = append(many, Case{ID: fmt.Sprint(i), Length: 256}, Case{ID: fmt.Sprint(100 + i), Length: 512})
	}
	var ids []string
	for _, c := range Thin(many, 4) {
		ids = append(ids, c.ID)
	}
	if want := []string{"10", "11", "30", "31", "110", "111", "130", "131"}; !slices.Equal(ids, want) {
		t.Errorf("four of forty are %v, want %v", ids, want)
	}
}

// Ensure that every picture is drawn, also of little and of odd data.
func TestPlots(t *testing.T) {
	dir := t.TempDir()
	for name, draw := range map[string]func(path string) error{
		"loss": func(p string) error {
			return PlotLoss(p, []Curve{{"own", []float64{5, 4, math.NaN(), 3}}, {"ntk:4", []float64{4}}})
		},
		"heat": func(p string) error {
			return PlotHeat(p, "passkey", []Outcome{{Length: 256, Depth: 0, Share: 1}, {Length: 8192, Depth: 1, Share: 0.2}, {Length: 8192, Depth: 1}})
		},
		"one cell": func(p string) error { return PlotHeat(p, "passkey", []Outcome{{Length: 256, Depth: 0.5, Share: 1}}) },
		"wavelengths": func(p string) error {
			return PlotWavelengths(p, []Curve{{"plain", []float64{6, 60, 600}}, {"cut", []float64{6, math.Inf(1), math.Inf(1)}}})
		},
	} {
		path := filepath.Join(dir, name+".png")
		if err := draw(path); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		picture, err := png.Decode(f)
		f.Close()
		if err != nil || picture.Bounds().Dx() < 500 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Ensure that cases which are asked together get the answers that each gets alone, in the cases' order, and that one which
// cannot be asked leaves those before it their answers.
func TestCasesTogether(t *testing.T) {
	m := tiny(t)
	cases, err := Grid{Lengths: []int{96, 60, 200}, Depths: 2, Samples: 1}.Passkeys(m)
	if err != nil {
		t.Fatal(err)
	}
	h := Header{Task: "passkey", Model: "tiny"}
	together, err := Run(t.Context(), m, cases, Digits, h, "", false, nil)
	if err != nil || len(together) != len(cases) {
		t.Fatalf("%d outcomes of %d, %v", len(together), len(cases), err)
	}
	for i, o := range together {
		alone, err := Run(t.Context(), m, cases[i:i+1], Digits, h, "", false, nil)
		if err != nil {
			t.Fatal(err)
		}
		if want := alone[0]; o.ID != cases[i].ID || o.Output != want.Output || o.Prompt != want.Prompt || o.Share != want.Share {
			t.Errorf("together %+v, alone %+v", o, want)
		}
	}
	cases[3].Prompt = ""
	some, err := Run(t.Context(), m, cases, Digits, h, "", false, nil)
	if err == nil || !strings.Contains(err.Error(), cases[3].ID) || len(some) != 3 {
		t.Errorf("%d outcomes before a case without a prompt, error %v", len(some), err)
	}
}

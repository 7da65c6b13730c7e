package main

import (
	"math"
	"path/filepath"
	"slices"
	"testing"

	"github.com/lrun/lrun/internal/testkit"
	"github.com/lrun/lrun/weights"
)

// golden is the reference's run of the embedded model.
var golden = testkit.Testdata("tiny-data", "golden.safetensors")

// tensor reads one tensor of a file.
func tensor(t *testing.T, file, name string) (shape []int, values []float32) {
	t.Helper()
	ckpt, err := weights.OpenFile(file)
	if err != nil {
		t.Fatal(err)
	}
	defer ckpt.Close()
	x, ok := ckpt.Tensor(name)
	if !ok {
		t.Fatalf("%s has no %s", file, name)
	}
	return x.Shape, x.Float32s()
}

// Ensure that lrun logits writes the reference's logits, for ids from a file and from the command line, from a folder and
// embedded.
func TestLogitsContract(t *testing.T) {
	shape, want := tensor(t, golden, "logits")
	onBackends(t, func(t *testing.T, backend string) {
		out := filepath.Join(t.TempDir(), "out.safetensors")
		succeed(t, "", "logits", backend, "-m", testkit.Testdata("tiny"), "--ids-from", golden, "-o", out)
		gotShape, got := tensor(t, out, "logits")
		if !slices.Equal(gotShape, shape) {
			t.Fatalf("shape %v, want %v", gotShape, shape)
		}
		for i, v := range got {
			if math.Abs(float64(v-want[i])) > 2e-3 {
				t.Fatalf("logit %d is %v, want %v", i, v, want[i])
			}
		}
		// The file that is there is replaced.
		info := decoded[written](t, succeed(t, "", "logits", backend, "--ids", "1, 2,3", "-o", out, "--json"))
		gotShape, _ = tensor(t, out, "logits")
		if !slices.Equal(gotShape, []int{3, 1024}) || info.PromptTokens != 3 || info.Vocab != 1024 {
			t.Errorf("shape %v, %+v", gotShape, info)
		}
	})
}

// Ensure that greedy generation from ids gives the reference's ids, in an object with what scripts rely on.
func TestGenerateContract(t *testing.T) {
	_, want := tensor(t, golden, "greedy_ids")
	onBackends(t, func(t *testing.T, backend string) {
		out := succeed(t, "", "generate", backend, "--ids-from", golden, "--temperature", "0", "--max-tokens", "48", "--json")
		for i, id := range decoded[answer](t, out).IDs {
			if float32(id) != want[i] {
				t.Fatalf("id %d is %d, want %v", i, id, want[i])
			}
		}
		object := decoded[map[string]any](t, out)
		for _, key := range []string{
			"ids", "text", "finish_reason", "prompt_tokens", "kept_tokens", "dropped_tokens", "seed",
			"first_token_seconds", "prefill_seconds", "decode_seconds", "backend", "adapter",
		} {
			if _, ok := object[key]; !ok {
				t.Errorf("no %s in %s", key, out)
			}
		}
		if object["prompt_tokens"] != 200.0 || object["kept_tokens"] != 248.0 || object["finish_reason"] != "length" {
			t.Errorf("%s", out)
		}
	})
}

// Ensure that checkpoints without a tokenizer take ids, and give no text.
func TestWithoutTokenizer(t *testing.T) {
	dir := testkit.Testdata("golden", "gpt2")
	args := []string{"-m", dir, "--backend", "cpu", "--ids", "1,2,3"}
	out := succeed(t, "", append([]string{"generate", "--temperature=0", "-n", "4", "--json"}, args...)...)
	if a := decoded[answer](t, out); len(a.IDs) != 4 || a.Text != "" {
		t.Errorf("%s", out)
	}
	if s := decoded[scored](t, succeed(t, "", append([]string{"score", "--json"}, args...)...)); len(s.Tokens) != 3 {
		t.Errorf("%+v", s)
	}
}

package lrun

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lrun/lrun/internal/quanttest"
	"github.com/lrun/lrun/internal/testkit"
	"github.com/lrun/lrun/weights"
)

// quantised is a folder that Quantise writes.
func quantised(t *testing.T, dir, format string) (out string, q Quantised) {
	t.Helper()
	out = filepath.Join(t.TempDir(), "out")
	q, err := Quantise(ctx, dir, out, format, nil)
	if err != nil {
		t.Fatal(err)
	}
	return out, q
}

// Ensure that a folder which is written quantised gives the logits of the original quantised at load, bit for bit, on every
// backend: with rows stacked, interleaved or stored transposed, with experts, states, adapters, and from quantised weights.
func TestQuantise(t *testing.T) {
	ids := []int32{1, 17, 99, 4, 103, 42, 42, 7}
	for name, dir := range fixturesToQuantise(t) {
		for _, format := range []string{"q8", "q4"} {
			t.Run(name+"/"+format, func(t *testing.T) {
				out, q := quantised(t, dir, format)
				info, before := described(t, out), described(t, dir)
				if info.Quant != format || info.Parameters != before.Parameters || info.WeightBytes != q.Bytes || q.Matrices == 0 {
					t.Errorf("%+v of %+v", info, q)
				}
				for _, b := range testkit.Backends(t) {
					got, want := allLogits(t, out, b.Name(), ids), allLogits(t, dir, b.Name(), ids, WithQuant(format))
					if !slices.Equal(got, want) {
						t.Errorf("%s: logits differ: %v, want %v", b.Name(), got[:4], want[:4])
					}
				}
			})
		}
	}
}

// fixturesToQuantise are checkpoints by what is special about them.
func fixturesToQuantise(t *testing.T) map[string]string {
	gptq, _ := requantise(t, testkit.Testdata("golden", "llama_gqa"), quanttest.Layouts(16)[0])
	codes, _ := requantise(t, testkit.Testdata("golden", "llama_gqa"), quanttest.Layouts(32)[0])         // stay in q4
	narrow, _ := requantise(t, testkit.Testdata("golden", "mamba_rank_bias"), quanttest.Layouts(16)[16]) // matrices that are decoded
	all := map[string]string{"gptq": gptq, "gptq in groups of 32": codes, "fp8 of few columns": narrow}
	for _, name := range []string{
		"llama_gqa", "gpt2", "phi3", "gpt_neox_seqres", "falcon_new_gqa", "mixtral", "qwen2_moe", "mamba_rank_bias", "mamba2_groups", "jamba",
		"zamba2_shared", "minimax_factors", "recurrent_gemma", "qwen3_tied_f16",
	} {
		all[name] = testkit.Testdata("golden", name)
	}
	sharded := testkit.Shared("golden", "llama_mha_sharded")
	if _, err := os.Stat(sharded); err == nil {
		all["sharded"] = sharded
	}
	return all
}

// Ensure that shards stay shards and that what lies beside the weights comes along, but no other weights.
func TestQuantiseFiles(t *testing.T) {
	dir := t.TempDir()
	writeShards(t, dir)
	for _, name := range []string{"tokenizer.json", "generation_config.json", "pytorch_model.bin", "quantize_config.json", ".gitattributes"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("{}"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, q := quantised(t, dir, "q4")
	entries, err := os.ReadDir(out)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	want := []string{"config.json", "generation_config.json", "model-1.safetensors", "model-2.safetensors", "model.safetensors.index.json", "tokenizer.json"}
	if !slices.Equal(names, want) {
		t.Errorf("files %q, want %q", names, want)
	}
	if info := described(t, out); info.Quantised != "lrun: q4 in groups of 32" || info.DType != "Q4" || info.TotalBytes-info.KVBytes != q.Bytes {
		t.Errorf("%+v", info)
	}
}

// Ensure that what cannot be written, or not be opened, is refused in words, and that nothing is left then, also of a writing
// that is stopped halfway.
func TestQuantiseErrors(t *testing.T) {
	dir := testkit.Testdata("golden", "gpt2")
	written, _ := quantised(t, dir, "q4")
	parent := t.TempDir()
	out := filepath.Join(parent, "out")
	for _, c := range []struct{ dir, out, format, want string }{
		{dir, written, "q4", "is there already"},
		{dir, filepath.Join(parent, "gone", "out"), "q4", "no such file"},
		{dir, out, "none", "changes nothing"},
		{dir, out, "q5", "is not one of"},
		{filepath.Join(parent, "gone"), out, "q4", "there is no folder"},
		{written, out, "q8", "is in q4 already"},
	} {
		if _, err := Quantise(ctx, c.dir, c.out, c.format, nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v", c, err)
		}
	}
	stopped, cancel := context.WithCancel(ctx)
	_, err := Quantise(stopped, dir, out, "q8", func(done, total int64) {
		if done > total/2 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if left, err := os.ReadDir(parent); err != nil || len(left) > 0 {
		t.Errorf("left %v, %v", left, err)
	}
	for _, open := range []func() error{
		func() error { _, err := Describe(written, WithQuant("q8")); return err },
		func() error { _, err := Open(written, WithQuant("q8"), WithBackend("cpu")); return err },
	} {
		if err := open(); err == nil || !strings.Contains(err.Error(), "stored in Q4, not in Q8") {
			t.Error(err)
		}
	}
}

// writeShards writes the embedded model in two files.
func writeShards(t *testing.T, dir string) {
	c, err := weights.OpenFile(testkit.Testdata("tiny", "model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	shards, index := map[string][]weights.Tensor{}, map[string]string{}
	for i, name := range c.Names() {
		w, _ := c.Tensor(name)
		index[name] = []string{"model-1.safetensors", "model-2.safetensors"}[i%2]
		shards[index[name]] = append(shards[index[name]], *w)
	}
	for file, tensors := range shards {
		err = errors.Join(err, weights.Write(filepath.Join(dir, file), tensors, nil))
	}
	err = errors.Join(err, replaceJSON(filepath.Join(dir, weights.IndexName), map[string]any{"weight_map": index}))
	config, reading := os.ReadFile(testkit.Testdata("tiny", weights.ConfigName))
	if err = errors.Join(err, reading, os.WriteFile(filepath.Join(dir, weights.ConfigName), config, 0o600)); err != nil {
		t.Fatal(err)
	}
}

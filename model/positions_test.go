package model

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/lrun/lrun/internal/testkit"
	"github.com/lrun/lrun/memory"
	"github.com/lrun/lrun/weights"
)

// llamaWith writes a random Llama of so many layers with a rope scaling, trained on 32 tokens.
func llamaWith(t *testing.T, layers int, scaling map[string]any) string {
	t.Helper()
	data, err := json.Marshal(map[string]any{
		"model_type": "llama", "vocab_size": 97, "hidden_size": 48, "intermediate_size": 40, "num_hidden_layers": layers,
		"num_attention_heads": 6, "num_key_value_heads": 2, "head_dim": 8, "max_position_embeddings": 32, "rope_scaling": scaling,
	})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "config.json"), data, 0o600); err != nil {
		t.Fatal(err)
	}
	g := &generator{random: rand.New(rand.NewPCG(3, 4)), seen: map[string]bool{}}
	g.network(declared(t, dir))
	g.tensor("model.clex_layer.proj_func.ode_up_proj", 0, 4, 8)
	g.tensor("model.clex_layer.proj_func.ode_down_proj", 0, 8, 4)
	if err := weights.Write(filepath.Join(dir, "model.safetensors"), g.tensors, nil); err != nil {
		t.Fatal(err)
	}
	return dir
}

// longText is n tokens.
func longText(n int) []int32 {
	ids := make([]int32, n)
	for i := range ids {
		ids[i] = int32(i * 29 % 97)
	}
	return ids
}

// scalings depend on the length, all of them between 32 and 150 tokens.
var scalings = []map[string]any{
	{"type": "dynamic", "factor": 2.0},
	{"type": "longrope", "short_factor": []float64{1, 1.1, 1.2, 1.3}, "long_factor": []float64{1, 2, 4, 8}},
	{"type": "clex", "max_factor": 4},
	{"type": "xpos"},
}

// Ensure that where frequencies depend on the length, cached keys are turned such that they agree with the queries: in a
// model of one layer, whose keys depend on nothing else, reading token by token gives what reading at once gives.
func TestTurnedKeysAgree(t *testing.T) {
	ids := longText(150)
	for _, scaling := range scalings {
		dir := llamaWith(t, 1, scaling)
		for _, b := range testkit.Backends(t) {
			m := load(t, b, dir, declared(t, dir), Options{})
			for _, n := range []int{33, 64, 65, 150} {
				want := allLogits(t, m, b, ids[:n], n)
				got := allLogits(t, m, b, ids[:n], 1)
				row := len(want) - m.Spec.Vocab
				if worst := largestError(got[row:], want[row:]); !(worst <= 2e-4) {
					t.Errorf("%s on %s: after %d tokens the logits differ by %.3g", scaling["type"], b.Name(), n, worst)
				}
			}
		}
	}
}

// Ensure that a text that is taken back to a shorter one goes on as if it had never been longer.
func TestTurnedBack(t *testing.T) {
	ids := longText(80)
	for _, scaling := range scalings {
		dir := llamaWith(t, 1, scaling)
		for _, b := range testkit.Backends(t) {
			m := load(t, b, dir, declared(t, dir), Options{})
			seq, err := m.NewSequence()
			if err != nil {
				t.Fatal(err)
			}
			forward(t, m, b, seq, ids)
			m.Drop(seq, 20)
			got := forward(t, m, b, seq, ids[20:30])
			want := allLogits(t, m, b, ids[:30], 30)[20*m.Spec.Vocab:]
			if worst := largestError(got, want); !(worst <= 2e-4) {
				t.Errorf("%s on %s: logits differ by %.3g", scaling["type"], b.Name(), worst)
			}
			m.Drop(seq, 0)
		}
	}
}

// Ensure that LM-Infinite gives the same however a text is cut into steps, in models with rotary positions, with ALiBi,
// with sliding windows, and with none of these in some layers, on every backend.
func TestLambdaInChunks(t *testing.T) {
	ids := make([]int32, 150)
	for i := range ids {
		ids[i] = int32(i * 29 % 211)
	}
	for _, name := range []string{"llama_gqa", "gptj", "bloom", "mpt_6heads", "gemma2", "phi", "qwen3_tied_f16"} {
		dir := oddCheckpoint(t, testkit.Testdata("golden", name, "config.json"))
		var first []float32
		for _, b := range testkit.Backends(t) {
			m := load(t, b, dir, declared(t, dir), Options{Memory: memory.Lambda{Start: 5, Local: 20, Limit: 30}})
			for _, chunk := range []int{150, 1, 33} {
				logits := allLogits(t, m, b, ids, chunk)
				if first == nil {
					first = logits
				}
				size := largestError(first, make([]float32, len(first)))
				if e := largestError(logits, first); !(e <= 2e-5*size) {
					t.Errorf("%s on %s in chunks of %d: logits up to %.3g differ by %.3g", name, b.Name(), chunk, size, e)
				}
			}
		}
	}
}

// Ensure that layers without positions (NoPE) are where the config says, and have none: there the order of earlier tokens
// makes no difference.
func TestNoPE(t *testing.T) {
	config := func(text string) *Spec {
		c, err := ParseConfig("config.json", []byte(`{"model_type": "smollm3", "vocab_size": 97, "hidden_size": 48,
			"intermediate_size": 40, "num_attention_heads": 6, "num_key_value_heads": 2`+text+`}`))
		if err != nil {
			t.Fatal(err)
		}
		s, err := Declare(c)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := config(`, "num_hidden_layers": 8`)
	for i := range s.Layers {
		if none := s.Layers[i].Attention.Rope == nil; none != (i%4 == 3) {
			t.Errorf("layer %d has no positions: %v", i, none)
		}
	}
	s = config(`, "num_hidden_layers": 1, "no_rope_layers": [0]`)
	g := &generator{random: rand.New(rand.NewPCG(3, 4)), seen: map[string]bool{}}
	g.network(s)
	path := filepath.Join(t.TempDir(), "model.safetensors")
	if err := weights.Write(path, g.tensors, nil); err != nil {
		t.Fatal(err)
	}
	for _, b := range testkit.Backends(t) {
		m := load(t, b, filepath.Dir(path), s, Options{})
		ids := longText(40)
		last := func() []float32 { return allLogits(t, m, b, ids, 40)[39*s.Vocab:] }
		want := last()
		slices.Reverse(ids[:39])
		if worst := largestError(last(), want); worst > 1e-4 {
			t.Errorf("on %s the order of earlier tokens moves the logits by %.3g", b.Name(), worst)
		}
	}
}

// Ensure that layer types have ropes of their own where the config says so.
func TestRopesByLayerType(t *testing.T) {
	c, err := ParseConfig("config.json", []byte(`{"model_type": "gemma3_text", "vocab_size": 97, "hidden_size": 48, "intermediate_size": 40,
		"num_hidden_layers": 6, "num_attention_heads": 6, "num_key_value_heads": 2, "head_dim": 8, "sliding_window": 16,
		"rope_parameters": {"full_attention": {"rope_type": "linear", "factor": 8, "rope_theta": 1000000},
			"sliding_attention": {"rope_theta": 5000}}}`))
	if err != nil {
		t.Fatal(err)
	}
	s, err := Declare(c)
	if err != nil {
		t.Fatal(err)
	}
	sliding, full := s.Layers[0].Attention.Rope, s.Layers[5].Attention.Rope
	if sliding == full || sliding.InvFreq[0] != 1 || full.InvFreq[0] != 0.125 {
		t.Errorf("frequencies %v and %v", sliding.InvFreq, full.InvFreq)
	}
	if len(s.Ropes()) != 2 {
		t.Errorf("%d ropes", len(s.Ropes()))
	}
}

// Ensure that looking keys up in the middle of a text gives the same on every backend, and other logits than without.
func TestLambdaRecalls(t *testing.T) {
	ids := longText(120)
	dir := llamaWith(t, 2, nil)
	plain := memory.Lambda{Start: 3, Local: 20, Limit: 30}
	recalls := plain
	recalls.TopK, recalls.Layer = 4, 1
	var first []float32
	for _, b := range testkit.Backends(t) {
		run := func(p memory.Policy) []float32 {
			m := load(t, b, dir, declared(t, dir), Options{Memory: p})
			seq, err := m.NewSequence()
			if err != nil {
				t.Fatal(err)
			}
			defer m.Drop(seq, 0)
			var all []float32
			for i := range ids {
				all = append(all, forwardAs(t, m, b, seq, Input{IDs: ids[i : i+1], Rows: AllRows, Recall: true})...)
			}
			return all
		}
		got := run(recalls)
		if first == nil {
			first = got
		}
		if e := largestError(got, first); !(e <= 2e-4) {
			t.Errorf("on %s logits differ by %.3g", b.Name(), e)
		}
		without := run(plain)
		row := 97 * 26 // the first token that has four keys between the first and the last ones
		if e := largestError(got[:row], without[:row]); e != 0 {
			t.Errorf("on %s the first 26 tokens differ by %.3g", b.Name(), e)
		}
		if e := largestError(got[row:], without[row:]); e < 1e-3 {
			t.Errorf("on %s nothing was looked up: logits differ by %.3g", b.Name(), e)
		}
	}
}

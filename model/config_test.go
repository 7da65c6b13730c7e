package model

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lrun/lrun/backend/cpu"
	"github.com/lrun/lrun/internal/testkit"
	"github.com/lrun/lrun/weights"
)

// llamaConfig is a small config.json, with one text in it replaced by another.
func llamaConfig(old, new string) []byte {
	const config = `{"model_type": "llama", "vocab_size": 32, "hidden_size": 16, "intermediate_size": 24,
		"num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 64,
		"rms_norm_eps": 1e-5, "rope_theta": 10000.0, "hidden_act": "silu", "tie_word_embeddings": true}`
	return []byte(strings.Replace(config, old, new, 1))
}

// Ensure that every mistake in a config.json is an error that names the file and the key.
func TestConfigErrors(t *testing.T) {
	for _, c := range []struct{ old, new, want string }{
		{`{`, ``, "not a JSON object"},
		{`"model_type": "llama",`, ``, "model_type is missing"},
		{`"llama"`, `"lama"`, `model_type "lama" is not supported (known: bamba, bloom,`},
		{`"llama"`, `7`, "model_type is 7, want a text"},
		{`"hidden_size": 16,`, ``, "hidden_size is missing"},
		{`"vocab_size": 32,`, ``, "vocab_size is missing"},
		{`"intermediate_size": 24,`, ``, "intermediate_size is missing"},
		{`"num_hidden_layers": 2,`, ``, "num_hidden_layers is missing"},
		{`"num_attention_heads": 4,`, ``, "num_attention_heads is missing"},
		{`"hidden_size": 16`, `"hidden_size": "16"`, `hidden_size is "16", want a whole number`},
		{`"hidden_size": 16`, `"hidden_size": 16.5`, "hidden_size is 16.5, want a whole number"},
		{`"hidden_size": 16`, `"hidden_size": -16`, "hidden_size is -16, want a whole number"},
		{`"hidden_size": 16`, `"hidden_size": 1e30`, "want a whole number from 1 to"},
		{`"hidden_size": 16`, `"hidden_size": NaN`, "not a JSON object"},
		{`"hidden_size": 16`, `"hidden_size": 18`, "hidden_size 18 is not a multiple of the 4 heads"},
		{`"num_key_value_heads": 2`, `"num_key_value_heads": 3`, "num_attention_heads 4 is not a multiple of num_key_value_heads 3"},
		{`"silu"`, `"sillu"`, `hidden_act "sillu" is not an activation`},
		{`"rope_theta": 10000.0`, `"rope_theta": 0`, "rope_theta is 0"},
		{`"rope_theta": 10000.0`, `"rope_scaling": {"type": "magic"}`, `rope_scaling type "magic" is not supported`},
		{`"rope_theta": 10000.0`, `"rope_scaling": {"rope_type": "llama3", "factor": 0}`, "rope_scaling.factor is 0"},
		{`"rms_norm_eps": 1e-5`, `"rms_norm_eps": "small"`, `rms_norm_eps is "small", want a number`},
		{`"tie_word_embeddings": true`, `"tie_word_embeddings": 1`, "tie_word_embeddings is 1, want true or false"},
	} {
		config, err := ParseConfig("dir/config.json", llamaConfig(c.old, c.new))
		if err == nil {
			_, err = Declare(config)
		}
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "dir/config.json") {
			t.Errorf("%s for %s: error %v, want one with %q", c.new, c.old, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), "\n") {
			t.Errorf("error of several lines: %v", err)
		}
	}
}

// Ensure that a rope which cannot be is an error for every architecture, and no panic in what comes after it.
func TestRopeErrorOfEveryArchitecture(t *testing.T) {
	configs, err := filepath.Glob(filepath.Join(testkit.Testdata("golden"), "*", "config.json"))
	if err != nil || len(configs) == 0 {
		t.Fatalf("no fixtures: %v", err)
	}
	for _, path := range configs {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		data = append([]byte(`{"rope_scaling": {"type": "magic"}, "rope_theta": -1, "rotary_dim": 7, `), data[1:]...)
		for _, key := range []string{"rope_scaling", "rope_theta", "rotary_dim"} { // the first of two keys would lose
			if i := bytes.LastIndex(data, []byte(`"`+key+`"`)); i > 100 {
				data[i+1] = 'X'
			}
		}
		config, err := ParseConfig(path, data)
		if err != nil {
			t.Fatal(err)
		}
		s, err := Declare(config)
		if err == nil && s.Layers[0].Attention.Rope != nil {
			t.Errorf("%s: no error", path)
		}
	}
}

// Ensure that keys which config.json lacks have the reference class's values, and that null is another thing than absent.
func TestClassDefaults(t *testing.T) {
	declare := func(modelType, extra string) *Spec {
		t.Helper()
		config, err := ParseConfig("config.json", []byte(`{"model_type": "`+modelType+`", "vocab_size": 32, "hidden_size": 256,
			"intermediate_size": 64, "num_hidden_layers": 4, "num_attention_heads": 32, "num_experts": 4,
			"num_experts_per_tok": 2, "moe_intermediate_size": 8, "shared_expert_intermediate_size": 8`+extra+`}`))
		if err != nil {
			t.Fatal(err)
		}
		s, err := Declare(config)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	for _, c := range []struct {
		modelType                string
		tied                     bool
		kvHeads, headDim, window int
		eps                      float64
	}{
		{"llama", false, 32, 8, 0, 1e-6},
		{"mistral", false, 8, 8, 4096, 1e-6},
		{"mixtral", false, 8, 8, 0, 1e-5},
		{"qwen2", false, 32, 8, 0, 1e-6},
		{"qwen3", false, 32, 128, 0, 1e-6},
		{"qwen3_moe", false, 4, 8, 0, 1e-6},
		{"gemma", true, 16, 256, 0, 1e-6},
		{"gemma2", true, 4, 256, 4096, 1e-6},
		{"glm4", false, 2, 128, 0, 1.5625e-7},
		{"starcoder2", true, 2, 8, 0, 1e-5},
		{"olmo2", false, 32, 8, 0, 1e-5},
		{"phi3", false, 32, 8, 0, 1e-5},
	} {
		s := declare(c.modelType, "")
		a := s.Layers[0].Attention
		if s.Head.Tied != c.tied || a.KVHeads != c.kvHeads || a.HeadDim != c.headDim || a.Window != c.window || s.Norm.Eps != c.eps {
			t.Errorf("%s: tied %v, %d key heads of %d, window %d, eps %v; want %+v",
				c.modelType, s.Head.Tied, a.KVHeads, a.HeadDim, a.Window, s.Norm.Eps, c)
		}
	}
	if a := declare("mistral", `, "num_key_value_heads": null, "sliding_window": null`).Layers[0].Attention; a.KVHeads != 32 || a.Window != 0 {
		t.Errorf("null: %d key heads, window %d; want 32 and none", a.KVHeads, a.Window)
	}
	sliding := `, "use_sliding_window": true, "sliding_window": 9, "max_window_layers": 2`
	for modelType, want := range map[string][2]int{"qwen2": {0, 9}, "qwen3": {0, 9}, "qwen2_moe": {9, 9}, "qwen3_moe": {9, 9}} {
		s := declare(modelType, sliding)
		if got := [2]int{s.Layers[1].Attention.Window, s.Layers[2].Attention.Window}; got != want {
			t.Errorf("%s: windows %v, want %v", modelType, got, want)
		}
	}
	if w := declare("qwen2", `, "use_sliding_window": true, "sliding_window": 9, "max_window_layers": 0`).Layers[0].Attention.Window; w != 9 {
		t.Errorf("max_window_layers 0: window %d, want 9", w)
	}
}

// Ensure that a tensor that is missing or misshapen is named before anything is uploaded.
func TestTensorErrors(t *testing.T) {
	tensors := func(change func(name string, shape []int) (string, []int)) *weights.Checkpoint {
		var all []weights.Tensor
		add := func(name string, shape ...int) {
			if name, shape = change(name, shape); name != "" {
				n := 1
				for _, d := range shape {
					n *= d
				}
				all = append(all, weights.FromFloat32(name, shape, make([]float32, n)))
			}
		}
		add("model.embed_tokens.weight", 32, 16)
		add("model.norm.weight", 16)
		for _, p := range []string{"model.layers.0.", "model.layers.1."} {
			add(p+"input_layernorm.weight", 16)
			add(p+"post_attention_layernorm.weight", 16)
			add(p+"self_attn.q_proj.weight", 16, 16)
			add(p+"self_attn.k_proj.weight", 8, 16)
			add(p+"self_attn.v_proj.weight", 8, 16)
			add(p+"self_attn.o_proj.weight", 16, 16)
			add(p+"mlp.gate_proj.weight", 24, 16)
			add(p+"mlp.up_proj.weight", 24, 16)
			add(p+"mlp.down_proj.weight", 16, 24)
		}
		path := filepath.Join(t.TempDir(), "model.safetensors")
		if err := weights.Write(path, all, nil); err != nil {
			t.Fatal(err)
		}
		ckpt, err := weights.OpenFile(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { ckpt.Close() })
		return ckpt
	}
	same := func(name string, shape []int) (string, []int) { return name, shape }
	for _, c := range []struct {
		name, want string
		shape      []int
	}{
		{"", "", nil},
		{"model.layers.1.self_attn.k_proj.weight", "missing tensor model.layers.1.self_attn.k_proj.weight in", nil},
		{"model.layers.0.mlp.down_proj.weight", "has shape [24 16], want [16 24]", []int{24, 16}},
		{"model.norm.weight", "has shape [15], want [16]", []int{15}},
		{"model.embed_tokens.weight", "has shape [16], want [32 16]", []int{16}},
	} {
		config, err := ParseConfig("config.json", llamaConfig("", ""))
		if err != nil {
			t.Fatal(err)
		}
		spec, err := Declare(config)
		if err != nil {
			t.Fatal(err)
		}
		change := same
		if c.name != "" {
			change = func(name string, shape []int) (string, []int) {
				if name != c.name {
					return name, shape
				}
				if c.shape == nil {
					return "", nil
				}
				return name, c.shape
			}
		}
		b := cpu.Open()
		uploaded := false
		m, err := Load(b, spec, tensors(change), Options{Progress: func(int64, int64) { uploaded = true }})
		if c.name == "" {
			if err != nil {
				t.Fatal(err)
			}
			m.Close()
		} else if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.name) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		} else if uploaded {
			t.Errorf("%s: weights were uploaded before the error", c.name)
		}
		if b.Memory() != 0 {
			t.Errorf("%s: %d bytes are still held", c.name, b.Memory())
		}
	}
}

// Ensure that no config.json makes Declare panic, or run long.
func FuzzConfig(f *testing.F) {
	f.Add(llamaConfig("", ""))
	configs, _ := filepath.Glob(filepath.Join(testkit.Testdata("golden"), "*", "config.json"))
	for _, path := range configs {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		config, err := ParseConfig("config.json", data)
		if err != nil {
			return
		}
		if spec, err := Declare(config); err == nil && (spec.Vocab < 1 || spec.Dim < 1 || len(spec.Layers) < 1) {
			t.Errorf("an empty model: %+v", spec)
		}
	})
}

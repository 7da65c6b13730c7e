package model

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/lrun/lrun/internal/files"
	"github.com/lrun/lrun/internal/testkit"
	"github.com/lrun/lrun/weights"
)

// Ensure that a random checkpoint of every architecture, with shapes that divide by nothing (six heads in groups of three,
// widths off every tile, an odd vocabulary), gives the same logits on every backend and in chunks of any size.
func TestOddShapes(t *testing.T) {
	configs, err := filepath.Glob(filepath.Join(testkit.Testdata("golden"), "*", "config.json"))
	if err != nil || len(configs) == 0 {
		t.Fatalf("no fixtures: %v", err)
	}
	ids := make([]int32, 37)
	for i := range ids {
		ids[i] = int32(i * 29 % 211)
	}
	for _, path := range configs {
		t.Run(filepath.Base(filepath.Dir(path)), func(t *testing.T) {
			dir := oddCheckpoint(t, path)
			var first []float32
			for _, b := range testkit.Backends(t) {
				m := load(t, b, dir, declared(t, dir), Options{})
				for _, chunk := range []int{37, 1, 10} {
					logits := allLogits(t, m, b, ids, chunk)
					if first == nil {
						first = logits
					}
					size := largestError(first, make([]float32, len(first)))
					if e := largestError(logits, first); !(e <= 1e-5*magnified(m)*size) {
						t.Errorf("%s in chunks of %d: logits up to %.3g differ by %.3g", b.Name(), chunk, size, e)
					}
				}
			}
		})
	}
}

// declared is the Spec of a folder's config.json.
func declared(t *testing.T, dir string) *Spec {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	config, err := ParseConfig("config.json", data)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Declare(config)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// oddCheckpoint writes a checkpoint with random weights after a config.json with other dimensions.
func oddCheckpoint(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var config map[string]any
	if err := json.Unmarshal(files.Finite(data), &config); err != nil {
		t.Fatal(err)
	}
	headDim := 10
	if config["partial_rotary_factor"] != nil {
		headDim = 24 // so that a quarter is an even number
	}
	for key, value := range map[string]any{
		"vocab_size": 211, "hidden_size": 6 * headDim, "n_embd": 6 * headDim, "d_model": 6 * headDim,
		"num_attention_heads": 6, "n_head": 6, "n_heads": 6, "num_key_value_heads": 2, "num_kv_heads": 2,
		"intermediate_size": 50, "n_inner": 50, "ffn_dim": 50, "ffn_hidden_size": 50, "head_dim": headDim,
		"moe_intermediate_size": 19, "shared_expert_intermediate_size": 21, "num_experts": 5, "num_local_experts": 5,
		"num_experts_per_tok": 3, "rotary_dim": 6, "word_embed_proj_dim": 6 * headDim, "sliding_window": 7,
		"num_heads": 12, "n_groups": 3, "state_size": 7, "time_step_rank": 5, "conv_kernel": 3, "attention_window_size": 9,
		"mamba_d_state": 5, "mamba_dt_rank": 3, "mamba_n_groups": 2, "lru_width": 72,
	} {
		if old, ok := config[key]; ok && old != nil {
			config[key] = value
		}
	}
	if config["model_type"] == "zamba2" { // whose queries are as many as its keys
		config["num_key_value_heads"] = 6
	}
	dir := t.TempDir()
	if data, err = json.Marshal(config); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "config.json"), data, 0o600); err != nil {
		t.Fatal(err)
	}
	g := &generator{random: rand.New(rand.NewPCG(1, 2)), seen: map[string]bool{}}
	g.network(declared(t, dir))
	if err := weights.Write(filepath.Join(dir, "model.safetensors"), g.tensors, nil); err != nil {
		t.Fatal(err)
	}
	return dir
}

// generator makes the tensors that a Spec asks for.
type generator struct {
	random  *rand.Rand
	tensors []weights.Tensor
	seen    map[string]bool
}

func (g *generator) network(s *Spec) {
	width := s.Embedding.Width
	g.weight(linear(s.Embedding.Tokens, s.Vocab, width))
	if s.Embedding.Positions != "" {
		g.weight(linear(s.Embedding.Positions, s.Context+s.Embedding.PosOffset, s.Dim))
	}
	g.norm(s.Embedding.Norm, s.Dim)
	g.norm(s.Norm, s.Dim)
	g.weight(linear(s.Head.Name, s.Vocab, width).biased(s.Head.Bias))
	for i := range s.Layers {
		l := &s.Layers[i]
		for _, n := range []Norm{l.AttentionNorm, l.AttentionPostNorm, l.MLPNorm, l.MLPPostNorm} {
			g.norm(n, s.Dim)
		}
		if l.Attention.Heads > 0 {
			g.headNorm(l.Attention.QNorm, l.Attention.Heads, l.Attention.HeadDim)
			g.headNorm(l.Attention.KNorm, l.Attention.KVHeads, l.Attention.HeadDim)
			g.weights(l.Attention.QKV, l.Attention.Out)
		}
		g.mixer(l.Mixer)
		if l.Side != nil {
			g.norm(l.Side.Norm, 2*s.Dim)
			g.norm(l.Side.MLPNorm, s.Dim)
			g.weight(l.Side.Out)
		}
		for _, a := range []*Adapter{l.Attention.Adapter, l.MLP.Adapter} {
			if a != nil {
				g.weights(a.Down, a.Up)
			}
		}
		g.weights(l.MLP.GateUp, l.MLP.Up, l.MLP.Down)
		if e := l.MLP.Experts; e != nil {
			g.weight(e.Router)
			g.weight(e.GateUp)
			g.weight(e.Down)
		}
	}
}

// mixer makes what a layer without attention asks for.
func (g *generator) mixer(x Mixer) {
	switch a := x.(type) {
	case *Mamba:
		g.weights(a.In, a.X, a.Delta, a.Out)
		g.conv(a.Conv)
		g.tensor(a.Prefix+"A_log", 0, a.Inner, a.State)
		g.tensor(a.Prefix+"D", 1, a.Inner)
		for i, name := range a.NormNames {
			g.tensor(name, 1, []int{a.Rank, a.State, a.State}[i])
		}
	case *Mamba2:
		g.weights(a.In, a.Out)
		g.conv(a.Conv)
		for _, name := range []string{"A_log", "D", "dt_bias"} {
			g.tensor(a.Prefix+name, 0, a.Heads)
		}
		g.norm(a.Norm, a.Inner())
	case *Lightning:
		g.weights(a.QKV, a.Gate, a.Out)
		g.norm(a.Norm, a.width())
	case *NormLinear:
		g.weights(a.KQ, a.VU, a.Out)
		if a.Theta != "" {
			g.tensor(a.Theta, 0, a.Heads, 1, a.HeadDim)
		}
	case *Griffin:
		g.weights(a.Gate, a.In, a.Input, a.Recall, a.Out)
		g.conv(a.Conv)
		g.tensor(a.Lambda, 0, a.Width)
	}
}

func (g *generator) conv(c ShortConv) {
	g.tensor(c.Name+".weight", 0, c.Channels, 1, c.Kernel)
	if c.Bias {
		g.tensor(c.Name+".bias", 0, c.Channels)
	}
}

func (g *generator) weights(all ...Weight) {
	for _, w := range all {
		g.weight(w)
	}
}

func (g *generator) weight(w Weight) {
	for _, p := range w.Parts {
		shape := []int{p.Rows, w.Cols}
		if w.Transposed {
			shape = []int{w.Cols, p.Rows}
		}
		g.tensor(w.tensor(p, "weight"), 0, shape...)
		if w.Bias {
			g.tensor(w.tensor(p, "bias"), 0, p.Rows)
		}
	}
}

func (g *generator) norm(n Norm, width int) {
	if n.Kind == NoNorm || n.Plain {
		return
	}
	mean := float32(1)
	if n.PlusOne {
		mean = 0
	}
	g.tensor(n.Name+".weight", mean, width)
	if n.Bias {
		g.tensor(n.Name+".bias", 0, width)
	}
}

func (g *generator) headNorm(n *HeadNorm, heads, headDim int) {
	if n == nil {
		return
	}
	for _, name := range n.Names {
		g.norm(n.named(name), headDim)
	}
	if n.Whole || n.PerHead {
		headDim *= heads
	}
	g.norm(n.Norm, headDim)
}

// tensor makes values around mean, of a size that keeps activations near one.
func (g *generator) tensor(name string, mean float32, shape ...int) {
	if g.seen[name] {
		return
	}
	g.seen[name] = true
	n := 1
	for _, d := range shape {
		n *= d
	}
	values := make([]float32, n)
	for i := range values {
		values[i] = mean + float32(g.random.NormFloat64())*0.2
	}
	g.tensors = append(g.tensors, weights.FromFloat32(name, shape, values))
}

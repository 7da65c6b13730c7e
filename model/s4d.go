package model

import (
	"fmt"

	"github.com/lrun/lrun/backend"
)

func init() { register("s4d", s4d) }

// s4d is a language model of S4D layers (arXiv 2206.11893), each with a feed-forward network behind it where the config has
// one. The tensors' names are those that state-spaces/s4 trains its isotropic model with, before a plain table of embeddings
// and behind a linear decoder; the config's keys are those of its model and layers: d_model, n_layers, d_state, and expand
// for the networks between (0: none).
func s4d(c *Config) *Spec {
	dim, poles, expand := c.Int("d_model"), c.IntOr("d_state", 64)/2, c.IntOr("expand", 4)
	s := &Spec{
		Vocab: c.Int("vocab_size"), Dim: dim, Context: c.contextOr("max_position_embeddings", 1024),
		Embedding: Embedding{Tokens: "encoder"},
		Head:      Head{Name: "decoder", Bias: true, Tied: c.BoolOr("tie_word_embeddings", false)},
		Layers:    make([]Layer, c.Int("n_layers")),
	}
	if !c.BoolOr("prenorm", true) {
		c.fail("prenorm", "false is not supported")
	}
	if poles < 1 {
		c.fail("d_state", "is %d, want at least 2", c.IntOr("d_state", 64))
		return s
	}
	norm := Norm{Kind: LayerNorm, Eps: 1e-5, Bias: true}
	s.Norm = norm.named("model.norm.norm")
	block := 0 // the networks between count as layers there
	next := func() string {
		block++
		return fmt.Sprintf("model.layers.%d.", block-1)
	}
	for i := range s.Layers {
		p := next()
		s.Layers[i] = Layer{AttentionNorm: norm.named(p + "norm.norm"), Mixer: newS4D(p+"layer.", dim, poles)}
		if expand > 0 {
			p = next()
			s.Layers[i].MLPNorm = norm.named(p + "norm.norm")
			s.Layers[i].MLP = plainMLP(p+"layer.ff.0.0", p+"layer.ff.2", dim, expand*dim, backend.GELU)
		}
	}
	return s
}

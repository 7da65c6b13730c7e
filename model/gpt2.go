package model

import (
	"fmt"
	"math"
)

func init() { register("gpt2", gpt2) }

// gpt2 is GPT-2 (Radford et al. 2019): learned positions, layer norms, and weights stored [in][out].
func gpt2(c *Config) *Spec {
	dim, heads := c.Int("n_embd"), c.Int("n_head")
	headDim, hidden := c.share("n_embd", dim, heads), c.IntOr("n_inner", 4*dim)
	norm := Norm{Kind: LayerNorm, Eps: c.FloatOr("layer_norm_epsilon", 1e-5), Bias: true}
	s := &Spec{
		Vocab: c.Int("vocab_size"), Dim: dim, Context: c.IntOr("n_positions", 1024), Fixed: true, Base: "transformer.",
		Embedding: Embedding{Tokens: "transformer.wte", Positions: "transformer.wpe"},
		Norm:      norm.named("transformer.ln_f"),
		Layers:    make([]Layer, c.Int("n_layer")),
	}
	s.Head = Head{Name: "lm_head", Tied: c.BoolOr("tie_word_embeddings", true)}
	for i := range s.Layers {
		p := fmt.Sprintf("transformer.h.%d.", i)
		s.Layers[i] = Layer{
			AttentionNorm: norm.named(p + "ln_1"),
			Attention: Attention{
				Heads: heads, KVHeads: heads, HeadDim: headDim, Scale: c.gpt2Scale(headDim, i),
				QKV: conv1D(p+"attn.c_attn", 3*dim, dim),
				Out: conv1D(p+"attn.c_proj", dim, dim),
			},
			MLPNorm: norm.named(p + "ln_2"),
			MLP: MLP{
				Act:  c.activation("activation_function", "gelu_new"),
				Up:   conv1D(p+"mlp.c_fc", hidden, dim),
				Down: conv1D(p+"mlp.c_proj", dim, hidden),
			},
		}
	}
	return s
}

// conv1D is a linear layer with bias, stored transposed.
func conv1D(name string, rows, cols int) Weight {
	return Weight{Parts: []Part{{name, rows}}, Cols: cols, Bias: true, Transposed: true}
}

// gpt2Scale is the scale of a layer's scores under GPT-2's two options.
func (c *Config) gpt2Scale(headDim, layer int) float64 {
	scale := 1.0
	if c.BoolOr("scale_attn_weights", true) {
		scale = 1 / math.Sqrt(float64(headDim))
	}
	if c.BoolOr("scale_attn_by_inverse_layer_idx", false) {
		scale /= float64(layer + 1)
	}
	return scale
}

package model

import (
	"fmt"

	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/positional"
)

func init() { register("bloom", bloom) }

// bloom is BLOOM (arXiv 2211.05100): ALiBi, a norm on the embeddings, projections fused per head, a tanh GELU.
func bloom(c *Config) *Spec {
	dim, heads := c.Int(c.first("n_embed", "hidden_size")), c.Int(c.first("num_attention_heads", "n_head"))
	headDim := c.share("hidden_size", dim, heads)
	norm := Norm{Kind: LayerNorm, Eps: c.FloatOr("layer_norm_epsilon", 1e-5), Bias: true}
	s := &Spec{
		Vocab: c.Int("vocab_size"), Dim: dim, Context: c.contextOr("seq_length", 2048), Base: "transformer.",
		Embedding: Embedding{Tokens: "transformer.word_embeddings", Norm: norm.named("transformer.word_embeddings_layernorm")},
		Norm:      norm.named("transformer.ln_f"),
		Layers:    make([]Layer, c.Int(c.first("num_hidden_layers", "n_layer"))),
	}
	s.Head = Head{Name: "lm_head", Tied: c.BoolOr("tie_word_embeddings", true)}
	for i := range s.Layers {
		p := fmt.Sprintf("transformer.h.%d.", i)
		s.Layers[i] = Layer{
			AddToNormed:   c.BoolOr("apply_residual_connection_post_layernorm", false),
			AttentionNorm: norm.named(p + "input_layernorm"),
			Attention: Attention{
				Heads: heads, KVHeads: heads, HeadDim: headDim, Slopes: positional.ALiBiSlopes(heads),
				QKV: linear(p+"self_attention.query_key_value", 3*dim, dim).biased(true).ordered(perHead(heads, headDim)),
				Out: linear(p+"self_attention.dense", dim, dim).biased(true),
			},
			MLPNorm: norm.named(p + "post_attention_layernorm"),
			MLP:     plainMLP(p+"mlp.dense_h_to_4h", p+"mlp.dense_4h_to_h", dim, 4*dim, backend.GELUTanh),
		}
	}
	return s
}

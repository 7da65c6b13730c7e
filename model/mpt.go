package model

import (
	"fmt"

	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/positional"
)

func init() { register("mpt", mpt) }

// mpt is MPT (MosaicML 2023): ALiBi, layer norms without bias, no biases. Hidden size is four times the width and
// positions are always ALiBi, as in the reference class, whatever expansion_ratio and learned_pos_emb say.
func mpt(c *Config) *Spec {
	dim, heads := c.Int("d_model"), c.Int("n_heads")
	norm := Norm{Kind: LayerNorm, Eps: c.FloatOr("layer_norm_epsilon", 1e-5)}
	attn := c.Object("attn_config")
	s := &Spec{
		Vocab: c.Int("vocab_size"), Dim: dim, Context: c.contextOr("max_seq_len", 2048), Base: "transformer.",
		Embedding: Embedding{Tokens: "transformer.wte"},
		Norm:      norm.named("transformer.norm_f"),
		Layers:    make([]Layer, c.Int("n_layers")),
	}
	s.Head = Head{Name: "lm_head", Tied: c.BoolOr("tie_word_embeddings", true)}
	for i := range s.Layers {
		p := fmt.Sprintf("transformer.blocks.%d.", i)
		s.Layers[i] = Layer{
			AttentionNorm: norm.named(p + "norm_1"),
			Attention: Attention{
				Heads: heads, KVHeads: heads, HeadDim: c.share("d_model", dim, heads),
				Scale: attn.FloatOr("softmax_scale", 0), Clip: attn.FloatOr("clip_qkv", 0),
				Slopes: positional.MPTSlopes(heads, attn.FloatOr("alibi_bias_max", 8)),
				QKV:    linear(p+"attn.Wqkv", 3*dim, dim),
				Out:    linear(p+"attn.out_proj", dim, dim),
			},
			MLPNorm: norm.named(p + "norm_2"),
			MLP: MLP{
				Act:  backend.GELU,
				Up:   linear(p+"ffn.up_proj", 4*dim, dim),
				Down: linear(p+"ffn.down_proj", dim, 4*dim),
			},
		}
	}
	return s
}

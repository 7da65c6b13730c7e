package model

import "fmt"

func init() { register("opt", opt) }

// opt is OPT (arXiv 2205.01068): learned positions that start at 2, ReLU, layer norms before each sub-layer, or after it
// and with embeddings of another width (the 350M model).
func opt(c *Config) *Spec {
	dim, heads := c.Int("hidden_size"), c.Int("num_attention_heads")
	z := sizes{dim: dim, hidden: c.Int("ffn_dim"), heads: heads, kvHeads: heads, headDim: c.share("hidden_size", dim, heads)}
	s := c.skeleton(dim, defaults{tied: true})
	s.Fixed = true
	s.Embedding = Embedding{
		Tokens: "model.decoder.embed_tokens", Width: c.IntOr("word_embed_proj_dim", dim),
		Positions: "model.decoder.embed_positions", PosOffset: 2,
	}
	if s.Embedding.Width != dim {
		s.Embedding.Project, s.Head.Project = "model.decoder.project_in", "model.decoder.project_out"
	}
	norm := Norm{Kind: LayerNorm, Eps: 1e-5, Bias: true, Plain: !c.BoolOr("layer_norm_elementwise_affine", true)}
	before := c.BoolOr("do_layer_norm_before", true)
	if before && !c.BoolOr("_remove_final_layer_norm", false) {
		s.Norm = norm.named("model.decoder.final_layer_norm")
	}
	bias := c.BoolOr("enable_bias", true)
	for i := range s.Layers {
		p := fmt.Sprintf("model.decoder.layers.%d.", i)
		a := z.attention(p+"self_attn.", nil)
		a.QKV.Bias = bias
		a.Out = linear(p+"self_attn.out_proj", dim, dim).biased(bias)
		m := plainMLP(p+"fc1", p+"fc2", dim, z.hidden, c.activation("activation_function", "relu"))
		m.Up.Bias, m.Down.Bias = bias, bias
		s.Layers[i] = Layer{
			NormAfterwards: !before,
			AttentionNorm:  norm.named(p + "self_attn_layer_norm"),
			Attention:      a,
			MLPNorm:        norm.named(p + "final_layer_norm"),
			MLP:            m,
		}
	}
	return s
}

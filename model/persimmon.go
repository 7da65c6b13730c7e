package model

import "fmt"

func init() { register("persimmon", persimmon) }

// persimmon is Persimmon-8B (Adept 2023): layer norms, a squared ReLU, projections fused per head, norms with bias on
// queries and keys, half of each head rotated.
func persimmon(c *Config) *Spec {
	z := c.sizes(defaults{})
	s := c.skeleton(z.dim, defaults{})
	norm := Norm{Kind: LayerNorm, Eps: c.FloatOr("layer_norm_eps", 1e-5), Bias: true}
	s.Norm = norm.named("model.final_layernorm")
	rope := c.rope(c.rotary(z.headDim, 0.5), 25000)
	for i := range s.Layers {
		p := fmt.Sprintf("model.layers.%d.", i)
		a := Attention{
			Heads: z.heads, KVHeads: z.heads, HeadDim: z.headDim, Rope: rope,
			QKV: linear(p+"self_attn.query_key_value", 3*z.dim, z.dim).biased(true).ordered(perHead(z.heads, z.headDim)),
			Out: linear(p+"self_attn.dense", z.dim, z.dim).biased(true),
		}
		if c.BoolOr("qk_layernorm", true) {
			a.QNorm = &HeadNorm{Norm: norm.named(p + "self_attn.q_layernorm")}
			a.KNorm = &HeadNorm{Norm: norm.named(p + "self_attn.k_layernorm")}
		}
		s.Layers[i] = Layer{
			AttentionNorm: norm.named(p + "input_layernorm"),
			Attention:     a,
			MLPNorm:       norm.named(p + "post_attention_layernorm"),
			MLP:           plainMLP(p+"mlp.dense_h_to_4h", p+"mlp.dense_4h_to_h", z.dim, z.hidden, c.activation("hidden_act", "relu2")),
		}
	}
	return s
}

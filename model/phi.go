package model

import "fmt"

func init() { register("phi", phi) }

// phi is Phi-1, 1.5 and 2 (arXiv 2309.05463): a parallel block behind one layer norm, biases everywhere, half of each
// head rotated.
func phi(c *Config) *Spec {
	z := c.sizes(defaults{})
	s := c.skeleton(z.dim, defaults{})
	s.Head.Bias = true
	norm := Norm{Kind: LayerNorm, Eps: c.FloatOr("layer_norm_eps", 1e-5), Bias: true}
	s.Norm = norm.named("model.final_layernorm")
	rope := c.rope(c.rotary(z.headDim, 0.5), 10000)
	for i := range s.Layers {
		p := fmt.Sprintf("model.layers.%d.", i)
		a := z.attention(p+"self_attn.", rope)
		a.QKV.Bias = true
		a.Out = linear(p+"self_attn.dense", z.dim, z.heads*z.headDim).biased(true)
		if c.BoolOr("qk_layernorm", false) {
			a.QNorm = &HeadNorm{Norm: norm.named(p + "self_attn.q_layernorm")}
			a.KNorm = &HeadNorm{Norm: norm.named(p + "self_attn.k_layernorm")}
		}
		s.Layers[i] = Layer{
			Parallel:      true,
			AttentionNorm: norm.named(p + "input_layernorm"),
			Attention:     a,
			MLP:           plainMLP(p+"mlp.fc1", p+"mlp.fc2", z.dim, z.hidden, c.activation("hidden_act", "gelu_new")),
		}
	}
	return s
}

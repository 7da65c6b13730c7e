package model

import "fmt"

func init() { register("glm4", glm4) }

// glm4 is GLM-4-0414: Llama with a norm after each sub-layer too, rotary pairs of neighbours over half of each head, and
// a fused gate and up.
func glm4(c *Config) *Spec {
	s, z := c.decoder(defaults{kvHeads: 2, headDim: 128, eps: 1.5625e-7, rotary: 0.5})
	for i := range s.Layers {
		l := &s.Layers[i]
		p := fmt.Sprintf("model.layers.%d.", i)
		l.Attention.Rope.Interleaved = true
		l.Attention.QKV.Bias = c.BoolOr("attention_bias", false)
		l.AttentionPostNorm = s.Norm.named(p + "post_self_attn_layernorm")
		l.MLPPostNorm = s.Norm.named(p + "post_mlp_layernorm")
		l.MLP.GateUp = linear(p+"mlp.gate_up_proj", 2*z.hidden, z.dim).ordered(interleaved(z.hidden))
	}
	return s
}

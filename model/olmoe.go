package model

import "fmt"

func init() { register("olmoe", olmoE) }

// olmoE is OLMoE (arXiv 2409.02060): Llama with experts and one norm over all query and all key heads.
func olmoE(c *Config) *Spec {
	s, z := c.decoder(defaults{eps: 1e-5})
	for i := range s.Layers {
		l := &s.Layers[i]
		p := fmt.Sprintf("model.layers.%d.", i)
		l.biases(c.BoolOr("attention_bias", false), false)
		l.Attention.wholeNorms(p+"self_attn.", s.Norm)
		l.Attention.Clip = c.FloatOr("clip_qkv", 0)
		e := experts(p+"mlp.", c.IntOr("num_experts", 64), c.IntOr("num_experts_per_tok", 8), z.dim, z.hidden,
			"gate_proj", "up_proj", "down_proj")
		e.Normalise = c.BoolOr("norm_topk_prob", false)
		l.MLP = MLP{Act: l.MLP.Act, Experts: e}
	}
	return s
}

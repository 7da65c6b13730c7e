package model

import "fmt"

func init() { register("cohere", cohere) }

// cohere is Command-R: a parallel block behind one layer norm without bias, rotary pairs of neighbours, scaled logits,
// and by option a norm with weights of its own for each head.
func cohere(c *Config) *Spec {
	s, _ := c.decoder(defaults{tied: true})
	norm := Norm{Kind: LayerNorm, Eps: c.FloatOr("layer_norm_eps", 1e-5)}
	s.Norm = norm.named(s.Norm.Name)
	s.Head.Scale = float32(c.FloatOr("logit_scale", 0.0625))
	for i := range s.Layers {
		l := &s.Layers[i]
		l.Parallel = true
		l.AttentionNorm, l.MLPNorm = norm.named(l.AttentionNorm.Name), Norm{}
		l.Attention.Rope.Interleaved = true
		l.biases(c.BoolOr("attention_bias", false), false)
		if c.BoolOr("use_qk_norm", false) {
			l.Attention.headNorms(fmt.Sprintf("model.layers.%d.self_attn.", i), norm)
			l.Attention.QNorm.PerHead, l.Attention.KNorm.PerHead = true, true
		}
	}
	return s
}

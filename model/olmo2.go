package model

import "fmt"

func init() { register("olmo2", olmo2) }

// olmo2 is OLMo 2 (arXiv 2501.00656): norms after attention and MLP in place of before, and one norm over all query and
// all key heads.
func olmo2(c *Config) *Spec {
	s, _ := c.decoder(defaults{eps: 1e-5})
	for i := range s.Layers {
		l := &s.Layers[i]
		p := fmt.Sprintf("model.layers.%d.", i)
		l.AttentionNorm, l.MLPNorm = Norm{}, Norm{}
		l.AttentionPostNorm = s.Norm.named(p + "post_attention_layernorm")
		l.MLPPostNorm = s.Norm.named(p + "post_feedforward_layernorm")
		l.biases(c.BoolOr("attention_bias", false), false)
		l.Attention.wholeNorms(p+"self_attn.", s.Norm)
	}
	return s
}

// wholeNorms gives queries and keys one norm over all their heads.
func (a *Attention) wholeNorms(prefix string, n Norm) {
	a.headNorms(prefix, n)
	a.QNorm.Whole, a.KNorm.Whole = true, true
}

package model

func init() { register("olmo", olmo) }

// olmo is OLMo (arXiv 2402.00838): Llama with layer norms that have no parameters, and clamped projections.
func olmo(c *Config) *Spec {
	s, _ := c.decoder(defaults{})
	norm := Norm{Kind: LayerNorm, Eps: 1e-5, Plain: true}
	s.Norm = norm
	for i := range s.Layers {
		l := &s.Layers[i]
		l.AttentionNorm, l.MLPNorm = norm, norm
		l.Attention.Clip = c.FloatOr("clip_qkv", 0)
		l.biases(c.BoolOr("attention_bias", false), false)
	}
	return s
}

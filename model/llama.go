package model

func init() { register("llama", llama) }

// llama is Llama 1 to 3 (arXiv 2302.13971, 2407.21783) and the many models that share its class.
func llama(c *Config) *Spec {
	s, _ := c.decoder(defaults{})
	for i := range s.Layers {
		s.Layers[i].biases(c.BoolOr("attention_bias", false), c.BoolOr("mlp_bias", false))
	}
	return s
}

// biases gives all linear layers of attention and of the gated MLP a bias.
func (l *Layer) biases(attention, mlp bool) {
	l.Attention.QKV.Bias, l.Attention.Out.Bias = attention, attention
	l.MLP.GateUp.Bias, l.MLP.Down.Bias = mlp, mlp
}

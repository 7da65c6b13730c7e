package model

import "math"

func init() { register("gemma", gemma) }

// gemma is Gemma 1 (arXiv 2403.08295): Llama with norm factors of one plus the weight, embeddings times √dim, a gated
// tanh GELU, and a tied head.
func gemma(c *Config) *Spec {
	s := c.gemmaDecoder()
	for i := range s.Layers {
		s.Layers[i].biases(c.BoolOr("attention_bias", false), false)
	}
	return s
}

// gemmaDecoder is what all Gemmas share. The activation is hidden_activation; hidden_act in early files is wrong.
func (c *Config) gemmaDecoder() *Spec {
	s := c.decoder(true)
	s.Embedding.Scale = float32(math.Sqrt(float64(s.Dim)))
	s.Norm.PlusOne = true
	for i := range s.Layers {
		l := &s.Layers[i]
		l.MLP.Act = c.activation("hidden_activation", "gelu_pytorch_tanh")
		l.AttentionNorm.PlusOne, l.MLPNorm.PlusOne = true, true
	}
	return s
}

package model

import "math"

func init() { register("gemma", gemma) }

// gemma is Gemma 1 (arXiv 2403.08295): Llama with norm factors of one plus the weight, embeddings times √dim, a gated
// tanh GELU, and a tied head.
func gemma(c *Config) *Spec {
	s := c.gemmaDecoder(16)
	for i := range s.Layers {
		s.Layers[i].biases(c.BoolOr("attention_bias", false), false)
	}
	return s
}

// gemmaDecoder is what all Gemmas share; kvHeads is the class's default. The activation is hidden_activation, or else a
// tanh GELU: hidden_act says "gelu" in Gemma 1's first files, which is not what it was trained with.
func (c *Config) gemmaDecoder(kvHeads int) *Spec {
	s, _ := c.decoder(defaults{tied: true, kvHeads: kvHeads, headDim: 256})
	s.Embedding.Scale = float32(math.Sqrt(float64(s.Dim)))
	s.Norm.PlusOne = true
	for i := range s.Layers {
		l := &s.Layers[i]
		l.MLP.Act = c.activation("hidden_activation", "gelu_pytorch_tanh")
		l.AttentionNorm.PlusOne, l.MLPNorm.PlusOne = true, true
	}
	return s
}

package model

func init() { register("granite", granite) }

// granite is IBM's Granite 3: Llama with four constants, on embeddings, scores, residuals and logits.
func granite(c *Config) *Spec {
	s := llama(c)
	s.Embedding.Scale = float32(c.FloatOr("embedding_multiplier", 1))
	s.Head.Scale = float32(1 / c.FloatOr("logits_scaling", 1))
	for i := range s.Layers {
		s.Layers[i].Residual = float32(c.FloatOr("residual_multiplier", 1))
		s.Layers[i].Attention.Scale = c.FloatOr("attention_multiplier", 1)
	}
	return s
}

package model

func init() { register("mistral", mistral) }

// mistral is Mistral 7B (arXiv 2310.06825): Llama with a sliding window, 4,096 where config.json does not say.
func mistral(c *Config) *Spec {
	s, _ := c.decoder(defaults{kvHeads: 8})
	for i := range s.Layers {
		s.Layers[i].Attention.Window = c.window(4096)
	}
	return s
}

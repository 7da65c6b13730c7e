package model

func init() { register("mistral", mistral) }

// mistral is Mistral 7B (arXiv 2310.06825): Llama with a sliding window, 4,096 where config.json does not say.
func mistral(c *Config) *Spec {
	s := c.decoder(false)
	window := 0
	if !c.Null("sliding_window") {
		window = c.IntOr("sliding_window", 4096)
	}
	for i := range s.Layers {
		s.Layers[i].Attention.Window = window
	}
	return s
}

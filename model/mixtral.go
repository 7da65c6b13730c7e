package model

import "fmt"

func init() { register("mixtral", mixtral) }

// mixtral is Mixtral 8x7B (arXiv 2401.04088): Mistral with experts, whose weights sum to one.
func mixtral(c *Config) *Spec {
	s := c.decoder(false)
	z := c.sizes()
	for i := range s.Layers {
		l := &s.Layers[i]
		if c.Has("sliding_window") {
			l.Attention.Window = c.Int("sliding_window")
		}
		e := experts(fmt.Sprintf("model.layers.%d.block_sparse_moe.", i), c.IntOr("num_local_experts", 8),
			c.IntOr("num_experts_per_tok", 2), z.dim, z.hidden, "w1", "w3", "w2")
		e.Normalise = true
		l.MLP = MLP{Act: l.MLP.Act, Experts: e}
	}
	return s
}

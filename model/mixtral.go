package model

import "fmt"

func init() { register("mixtral", mixtral) }

// mixtral is Mixtral 8x7B (arXiv 2401.04088): Mistral with experts, whose weights sum to one.
func mixtral(c *Config) *Spec {
	s, z := c.decoder(defaults{kvHeads: 8, eps: 1e-5, theta: 1e6})
	for i := range s.Layers {
		l := &s.Layers[i]
		l.Attention.Window = c.window(0)
		e := experts(fmt.Sprintf("model.layers.%d.block_sparse_moe.", i), c.IntOr("num_local_experts", 8),
			c.IntOr("num_experts_per_tok", 2), z.dim, z.hidden, "w1", "w3", "w2")
		e.Normalise = true
		l.MLP = MLP{Act: l.MLP.Act, Experts: e}
	}
	return s
}

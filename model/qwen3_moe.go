package model

import "fmt"

func init() { register("qwen3_moe", qwen3MoE) }

// qwen3MoE is Qwen3-MoE (arXiv 2505.09388): Qwen3 with experts and no shared one.
func qwen3MoE(c *Config) *Spec {
	s := qwen3(c)
	for i := range s.Layers {
		if c.sparse(i) {
			l := &s.Layers[i]
			l.MLP = MLP{Act: l.MLP.Act, Experts: c.qwenExperts(fmt.Sprintf("model.layers.%d.mlp.", i), s.Dim)}
		}
	}
	return s
}

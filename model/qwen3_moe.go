package model

import "fmt"

func init() { register("qwen3_moe", qwen3MoE) }

// qwen3MoE is Qwen3-MoE (arXiv 2505.09388): Qwen3 with experts and no shared one.
func qwen3MoE(c *Config) *Spec {
	s := c.qwen3Decoder(defaults{kvHeads: 4})
	for i := range s.Layers {
		l := &s.Layers[i]
		l.Attention.Window = c.moeWindow(i)
		if c.sparse(i) {
			l.MLP = MLP{Act: l.MLP.Act, Experts: c.qwenExperts(fmt.Sprintf("model.layers.%d.mlp.", i), s.Dim)}
		}
	}
	return s
}

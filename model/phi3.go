package model

import "fmt"

func init() { register("phi3", phi3) }

// phi3 is Phi-3 and Phi-4 (arXiv 2404.14219): Llama with fused projections.
func phi3(c *Config) *Spec {
	s, z := c.decoder(defaults{eps: 1e-5})
	for i := range s.Layers {
		l := &s.Layers[i]
		p := fmt.Sprintf("model.layers.%d.", i)
		l.Attention.QKV = linear(p+"self_attn.qkv_proj", (z.heads+2*z.kvHeads)*z.headDim, z.dim)
		l.MLP.GateUp = linear(p+"mlp.gate_up_proj", 2*z.hidden, z.dim).ordered(interleaved(z.hidden))
		l.Attention.Window = c.window(0)
	}
	return s
}

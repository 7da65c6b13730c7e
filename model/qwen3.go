package model

import "fmt"

func init() { register("qwen3", qwen3) }

// qwen3 is Qwen3 (arXiv 2505.09388): Llama with a norm on every query and key head, and heads of 128 unless said.
func qwen3(c *Config) *Spec {
	s := c.qwen3Decoder(defaults{kvHeads: 32, headDim: 128})
	for i := range s.Layers {
		s.Layers[i].Attention.Window = c.qwenWindow(i)
	}
	return s
}

// qwen3Decoder is what Qwen3 and its MoE share.
func (c *Config) qwen3Decoder(d defaults) *Spec {
	s, _ := c.decoder(d)
	for i := range s.Layers {
		l := &s.Layers[i]
		l.biases(c.BoolOr("attention_bias", false), false)
		l.Attention.headNorms(fmt.Sprintf("model.layers.%d.self_attn.", i), s.Norm)
	}
	return s
}

// headNorms gives queries and keys a norm like n per head, under the names q_norm and k_norm.
func (a *Attention) headNorms(prefix string, n Norm) {
	a.QNorm = &HeadNorm{Norm: n.named(prefix + "q_norm")}
	a.KNorm = &HeadNorm{Norm: n.named(prefix + "k_norm")}
}

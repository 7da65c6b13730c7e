package model

import "fmt"

func init() { register("stablelm", stableLM) }

// stableLM is StableLM 3B and 2 (arXiv 2402.17834): Llama with layer norms, a quarter of each head rotated, and by option
// a parallel block and a norm for each head.
func stableLM(c *Config) *Spec {
	s, z := c.decoder(defaults{kvHeads: 32, rotary: 0.25})
	norm := Norm{Kind: LayerNorm, Eps: c.FloatOr("layer_norm_eps", 1e-5), Bias: true}
	s.Norm = norm.named(s.Norm.Name)
	for i := range s.Layers {
		l := &s.Layers[i]
		p := fmt.Sprintf("model.layers.%d.self_attn.", i)
		l.AttentionNorm, l.MLPNorm = norm.named(l.AttentionNorm.Name), norm.named(l.MLPNorm.Name)
		l.Attention.QKV.Bias = c.BoolOr("use_qkv_bias", false)
		if l.Parallel = c.BoolOr("use_parallel_residual", false); l.Parallel {
			l.MLPNorm = Norm{}
		}
		if c.BoolOr("qk_layernorm", false) {
			plain := Norm{Kind: LayerNorm, Eps: norm.Eps}
			l.Attention.QNorm = &HeadNorm{Norm: plain, Names: numbered(p+"q_layernorm.norms.", z.heads)}
			l.Attention.KNorm = &HeadNorm{Norm: plain, Names: numbered(p+"k_layernorm.norms.", z.kvHeads)}
		}
	}
	return s
}

// numbered are n names that differ by a number at the end.
func numbered(prefix string, n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprint(prefix, i)
	}
	return names
}

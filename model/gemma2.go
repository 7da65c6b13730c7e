package model

import (
	"fmt"
	"math"
)

func init() { register("gemma2", gemma2) }

// gemma2 is Gemma 2 (arXiv 2408.00118): Gemma with norms after each sub-layer too, soft-capped scores and logits, and a
// sliding window in every even layer.
func gemma2(c *Config) *Spec {
	s := c.gemmaDecoder(4)
	s.Head.SoftCap = float32(c.capOr("final_logit_softcapping", 30))
	for i := range s.Layers {
		l := &s.Layers[i]
		c.gemmaLayer(l, i)
		l.Attention.SoftCap = c.capOr("attn_logit_softcapping", 50)
		if c.slides(i, i%2 == 0) {
			l.Attention.Window = c.IntOr("sliding_window", 4096)
		}
	}
	return s
}

// gemmaLayer is what a layer of Gemma 2 and 3 has over Gemma 1: four norms, and a scale of its own.
func (c *Config) gemmaLayer(l *Layer, i int) {
	p := fmt.Sprintf("model.layers.%d.", i)
	norm := l.AttentionNorm
	l.AttentionPostNorm = norm.named(p + "post_attention_layernorm")
	l.MLPNorm = norm.named(p + "pre_feedforward_layernorm")
	l.MLPPostNorm = norm.named(p + "post_feedforward_layernorm")
	l.biases(c.BoolOr("attention_bias", false), false)
	l.Attention.Scale = 1 / math.Sqrt(c.FloatOr("query_pre_attn_scalar", 256))
}

// capOr is a soft-cap: null means none, and a missing key the class's default.
func (c *Config) capOr(key string, def float64) float64 {
	if c.Null(key) {
		return 0
	}
	return c.FloatOr(key, def)
}

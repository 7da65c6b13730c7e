package model

import (
	"fmt"

	"github.com/lrun/lrun/positional"
)

func init() { register("gemma3_text", gemma3Text) }

// gemma3Text is Gemma 3 without its eyes (arXiv 2503.19786): Gemma 2 with head norms in place of soft-caps, and five
// sliding layers with a fast rope to each global one with a slow.
func gemma3Text(c *Config) *Spec {
	s := c.gemmaDecoder(4)
	s.Head.SoftCap = float32(c.capOr("final_logit_softcapping", 0))
	pattern := c.IntOr("sliding_window_pattern", 6)
	rotary := s.Layers[0].Attention.HeadDim
	global := c.rope(rotary, 1e6)
	local := c.plainRope(rotary, c.FloatOr("rope_local_base_freq", 10000), positional.Scaling{})
	for i := range s.Layers {
		l := &s.Layers[i]
		c.gemmaLayer(l, i)
		l.Attention.headNorms(fmt.Sprintf("model.layers.%d.self_attn.", i), l.AttentionNorm)
		l.Attention.Rope = global
		if c.slides(i, (i+1)%pattern != 0) {
			l.Attention.Rope = local
			l.Attention.Window = c.IntOr("sliding_window", 4096)
		}
	}
	return s
}

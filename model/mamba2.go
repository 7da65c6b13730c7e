package model

import "fmt"

func init() { register("mamba2", mamba2) }

// mamba2 is Mamba-2 (arXiv 2405.21060) and Codestral Mamba.
func mamba2(c *Config) *Spec {
	s, norm := c.backbone(defaults{})
	a := Mamba2{
		Heads: c.IntOr("num_heads", 128), HeadDim: c.IntOr("head_dim", 64), Groups: c.IntOr("n_groups", 8),
		State: c.IntOr("state_size", 128),
		Act:   c.activation("hidden_act", "silu"), Norm: norm, NormParts: c.IntOr("norm_groups", 1),
	}
	a.Conv.Kernel, a.Conv.Bias = c.IntOr("conv_kernel", 4), c.BoolOr("use_conv_bias", true)
	a.Least, a.Most = c.stepLimit()
	if wide := c.IntOr("expand", 2) * s.Dim; a.Inner() != wide {
		c.fail("num_heads", "%d of %d channels are not expand times hidden_size, %d", a.Heads, a.HeadDim, wide)
	}
	for i := range s.Layers {
		p := fmt.Sprintf("backbone.layers.%d.", i)
		s.Layers[i] = Layer{AttentionNorm: norm.named(p + "norm"), Mixer: mamba2Of(p+"mixer.", s.Dim, a).biased(c.BoolOr("use_bias", false))}
	}
	return s
}

package model

import "fmt"

func init() { register("mamba", mamba) }

// mamba is Mamba (arXiv 2312.00752): layers of a selective state space each, no attention and no MLP.
func mamba(c *Config) *Spec {
	s, norm := c.backbone(defaults{tied: true})
	for i := range s.Layers {
		p := fmt.Sprintf("backbone.layers.%d.", i)
		s.Layers[i] = Layer{AttentionNorm: norm.named(p + "norm"), Mixer: c.mamba(p+"mixer.", s.Dim)}
	}
	return s
}

// backbone is what the models named after Mamba have in common, and the norm before their layers.
func (c *Config) backbone(d defaults) (*Spec, Norm) {
	norm := Norm{Kind: RMSNorm, Eps: c.FloatOr("layer_norm_epsilon", 1e-5)}
	s := c.skeleton(c.Int("hidden_size"), d)
	s.Base = "backbone."
	s.Embedding.Tokens, s.Norm = c.StringOr("embedding_name", "backbone.embeddings"), norm.named("backbone.norm_f")
	return s, norm
}

// mamba is a layer's mixer under Hugging Face's names.
func (c *Config) mamba(prefix string, dim int) *Mamba {
	inner := c.IntOr("intermediate_size", c.IntOr("expand", 2)*dim)
	a := mambaOf(prefix, dim, inner, c.IntOr("state_size", 16), c.rank("time_step_rank", dim))
	a.Act = c.activation("hidden_act", "silu")
	a.biases(c.BoolOr("use_bias", false))
	a.Conv = ShortConv{prefix + "conv1d", a.Inner, c.IntOr("conv_kernel", 4), c.BoolOr("use_conv_bias", true), a.Act}
	return a
}

// mambaOf is a mixer of some sizes, still without its convolution.
func mambaOf(prefix string, dim, inner, state, rank int) *Mamba {
	return &Mamba{
		Inner: inner, State: state, Rank: rank, Prefix: prefix,
		In:    linear(prefix+"in_proj", 2*inner, dim),
		X:     linear(prefix+"x_proj", rank+2*state, inner),
		Delta: linear(prefix+"dt_proj", inner, rank).biased(true),
		Out:   linear(prefix+"out_proj", dim, inner),
	}
}

// biases gives the projections in and out a bias.
func (a *Mamba) biases(bias bool) { a.In.Bias, a.Out.Bias = bias, bias }

// rank is the width of δ before it is projected: a number, or "auto" for a sixteenth of the model's width.
func (c *Config) rank(key string, dim int) int {
	if string(c.raw[key]) == `"auto"` || !c.Has(key) {
		return (dim + 15) / 16
	}
	return c.Int(key)
}

package model

import "fmt"

func init() { register("jamba", jamba) }

// jamba is Jamba (arXiv 2403.19887): Mamba layers with one of attention without positions among every few, and experts in
// every second.
func jamba(c *Config) *Spec {
	s, z := c.decoder(defaults{kvHeads: 8})
	s.Norm.Name = "model.final_layernorm"
	for i := range s.Layers {
		p := fmt.Sprintf("model.layers.%d.", i)
		l := &s.Layers[i]
		l.Attention.Rope = nil
		l.MLPNorm.Name = p + "pre_ff_layernorm"
		l.MLP = MLP{Act: c.activation("hidden_act", "silu")}
		if count := c.IntOr("num_experts", 16); count > 1 && c.every("expert_layer", 2, 1, i) {
			l.MLP.Experts = experts(p+"feed_forward.", count, c.IntOr("num_experts_per_tok", 2), z.dim, z.hidden,
				"gate_proj", "up_proj", "down_proj")
			l.MLP.Experts.Router = linear(p+"feed_forward.router", count, z.dim)
		} else {
			l.MLP = gatedMLP(p+"feed_forward.", z.dim, z.hidden, l.MLP.Act)
		}
		if !c.every("attn_layer", 8, 4, i) {
			l.Attention, l.Mixer = Attention{}, c.jambaMixer(p+"mamba.", z.dim)
		}
	}
	return s
}

// every reports whether a layer is one of those that come every key_period layers, the first at key_offset.
func (c *Config) every(key string, period, offset, layer int) bool {
	period, offset = c.IntOr(key+"_period", period), c.countOr(key+"_offset", offset)
	return layer >= offset && (layer-offset)%period == 0
}

// jambaMixer is a layer's Mamba, with norms on δ, B and C.
func (c *Config) jambaMixer(prefix string, dim int) *Mamba {
	a := mambaOf(prefix, dim, c.IntOr("mamba_expand", 2)*dim, c.IntOr("mamba_d_state", 16), c.rank("mamba_dt_rank", dim))
	a.Act = c.activation("hidden_act", "silu")
	a.biases(c.BoolOr("mamba_proj_bias", false))
	a.Conv = ShortConv{prefix + "conv1d", a.Inner, c.IntOr("mamba_d_conv", 4), c.BoolOr("mamba_conv_bias", true), a.Act}
	a.Norm = Norm{Kind: RMSNorm, Eps: c.FloatOr("rms_norm_eps", 1e-6)}
	for _, name := range []string{"dt", "b", "c"} {
		a.NormNames = append(a.NormNames, prefix+name+"_layernorm.weight")
	}
	return a
}

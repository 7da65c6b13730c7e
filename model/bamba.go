package model

import (
	"fmt"
	"slices"

	"github.com/lrun/lrun/backend"
)

func init() { register("bamba", bamba) }

// bamba is IBM's Bamba: Mamba-2 layers, with attention in those that attn_layer_indices names, and an MLP in all.
func bamba(c *Config) *Spec {
	s, z := c.decoder(defaults{kvHeads: 8, eps: 1e-5, rotary: 0.5})
	s.Norm.Name = "model.final_layernorm"
	var attends []int
	read(c, "attn_layer_indices", "a list of numbers", &attends)
	a := c.mamba2(256, z.dim)
	for i := range s.Layers {
		p := fmt.Sprintf("model.layers.%d.", i)
		l := &s.Layers[i]
		l.MLPNorm.Name = p + "pre_ff_layernorm"
		l.MLP = gatedMLP(p+"feed_forward.", z.dim, z.hidden, l.MLP.Act)
		l.biases(c.BoolOr("attention_bias", false), c.BoolOr("mlp_bias", false))
		if !slices.Contains(attends, i) {
			l.Attention, l.Mixer = Attention{}, mamba2Of(p+"mamba.", z.dim, a).biased(c.BoolOr("mamba_proj_bias", false))
		}
	}
	return s
}

// mamba2 are the sizes of Mamba-2 layers in a model that has others beside them; state is the default of theirs.
func (c *Config) mamba2(state, dim int) Mamba2 {
	a := Mamba2{
		Heads: c.IntOr(c.first("n_mamba_heads", "mamba_n_heads"), 128), Groups: c.IntOr(c.first("mamba_ngroups", "mamba_n_groups"), 1),
		State: c.IntOr("mamba_d_state", state), Act: backend.SiLU, Norm: Norm{Eps: c.FloatOr("rms_norm_eps", 1e-5)},
	}
	a.HeadDim = c.share("mamba_expand", c.IntOr("mamba_expand", 2)*dim, a.Heads)
	a.Conv.Kernel, a.Conv.Bias = c.IntOr("mamba_d_conv", 4), c.BoolOr(c.first("use_conv_bias", "mamba_conv_bias"), true)
	a.Least, a.Most = c.stepLimit()
	return a
}

package model

import (
	"fmt"

	"github.com/lrun/lrun/backend"
)

func init() { register("minimax", miniMax) }

// miniMax is MiniMax-01 (arXiv 2501.08313): mixtures of experts, and lightning attention in all layers but every few.
func miniMax(c *Config) *Spec {
	s, z := mixtral(c), c.sizes(defaults{kvHeads: 8})
	if c.Has("rotary_dim") {
		rope := c.rope(c.Int("rotary_dim"), 1e6)
		for i := range s.Layers {
			s.Layers[i].Attention.Rope = rope
		}
	}
	scale := 1.0 // by which the stream that comes in is too small
	for i := range s.Layers {
		l := &s.Layers[i]
		kind := "full"
		if c.lightning(i) {
			kind = "linear"
			l.Attention, l.Mixer = Attention{}, c.lightningLayer(i, len(s.Layers), z)
		}
		l.AddToNormed = true
		l.AttentionNorm.Eps /= scale * scale
		l.Residual, scale = c.factors(kind + "_attn")
		l.MLPNorm.Eps /= scale * scale
		l.MLPResidual, scale = c.factors("mlp")
	}
	s.Norm.Eps /= scale * scale
	return s
}

// factors are alpha and beta of a sub-layer, x ← alpha·norm(x) + beta·f(norm(x)), as beta/alpha and alpha. The stream is kept
// without the factor alpha: the RMS norm that follows takes it out, with an eps that is so much smaller by its square.
func (c *Config) factors(kind string) (residual float32, alpha float64) {
	key := kind + "_alpha_factor"
	alpha = c.FloatOr(key, 1)
	if alpha <= 0 {
		c.fail(key, "is %v, want a number above 0", alpha)
		return 1, 1
	}
	return float32(c.FloatOr(kind+"_beta_factor", 1) / alpha), alpha
}

// lightning reports whether a layer has linear attention: as layer_types says, else all with an odd number.
func (c *Config) lightning(layer int) bool {
	var types []string
	switch read(c, "layer_types", "a list of texts", &types); {
	case !c.Has("layer_types"):
		return layer%2 == 1
	case layer >= len(types):
		c.fail("layer_types", "names %d layers, too few", len(types))
	case types[layer] == "linear_attention":
		return true
	case types[layer] != "full_attention":
		c.fail("layer_types", "%q is not one of linear_attention, full_attention", types[layer])
	}
	return false
}

// lightningLayer is a layer's linear attention.
func (c *Config) lightningLayer(layer, layers int, z sizes) *Lightning {
	prefix := fmt.Sprintf("model.layers.%d.self_attn.", layer)
	a := &Lightning{Heads: z.heads, HeadDim: z.headDim, Act: c.activation("hidden_act", "silu"), GateAct: backend.Sigmoid}
	a.QKV = linear(prefix+"qkv_proj", 3*a.width(), z.dim).ordered(valuesFirst(z.heads, z.headDim))
	a.Slopes = lightningSlopes(z.heads, layer, layers)
	a.Norm = Norm{Kind: RMSNorm, Eps: 1e-6, Name: prefix + "norm"} // whatever rms_norm_eps says of the others
	a.Gate, a.Out = linear(prefix+"output_gate", a.width(), z.dim), linear(prefix+"out_proj", z.dim, a.width())
	return a
}

package model

import (
	"fmt"
	"math"
	"slices"
)

func init() { register("zamba2", zamba2) }

// zamba2 is Zamba2 (arXiv 2411.15242): Mamba-2 layers, and beside some of them a block of attention and MLP, of which there
// are few: layers take turns with them, and adapt them to themselves.
func zamba2(c *Config) *Spec {
	d := defaults{eps: 1e-5, tied: true}
	s, z := c.skeleton(c.Int("hidden_size"), d), c.zambaSizes()
	norm := Norm{Kind: RMSNorm, Eps: c.FloatOr("rms_norm_eps", d.eps)}
	s.Norm = norm.named("model.final_layernorm")
	var kinds []string
	if read(c, "layers_block_type", "a list of texts", &kinds); len(kinds) != len(s.Layers) {
		c.fail("layers_block_type", "names %d layers of %d", len(kinds), len(s.Layers))
		return s
	}
	shared := c.zambaBlocks(kinds, z)
	a := c.mamba2(64, z.dim)
	a.NormParts = a.Groups
	for i, kind := range kinds {
		p := fmt.Sprintf("model.layers.%d.", i)
		if kind == "hybrid" {
			s.Layers[i], shared = shared[0], shared[1:]
			s.Layers[i].Side.Out = linear(p+"linear", z.dim, z.dim)
			p += "mamba_decoder."
		}
		l := &s.Layers[i]
		l.AttentionNorm = norm.named(p + "input_layernorm")
		l.Mixer = mamba2Of(p+"mamba.", z.dim, a).biased(c.BoolOr("add_bias_linear", false))
	}
	return s
}

// zambaSizes are the sizes of Zamba2's attention, which is twice as wide as the stream.
func (c *Config) zambaSizes() sizes {
	z := sizes{dim: c.Int("hidden_size"), hidden: c.IntOr("intermediate_size", 4*c.Int("hidden_size")), heads: c.Int("num_attention_heads")}
	z.kvHeads = c.IntOr("num_key_value_heads", z.heads)
	z.headDim = c.share("hidden_size", 2*z.dim, z.heads)
	if z.kvHeads != z.heads {
		c.fail("num_key_value_heads", "is %d, want as many as num_attention_heads, %d", z.kvHeads, z.heads)
	}
	if c.BoolOr("use_long_context", false) {
		c.fail("use_long_context", "is not supported: set it to false and ask for the rope ntk:8")
	}
	return z
}

// zambaBlocks are the blocks beside those layers that have one, in their order. A block's tensors stand under the first
// layer that uses it, and its adapters by the number of the use.
func (c *Config) zambaBlocks(kinds []string, z sizes) []Layer {
	var at []int
	for i, kind := range kinds {
		switch kind {
		case "hybrid":
			at = append(at, i)
		case "mamba":
		default:
			c.fail("layers_block_type", "%q is not one of mamba, hybrid", kind)
		}
	}
	blocks := c.IntOr("num_mem_blocks", 1)
	rope := c.rope(z.headDim, 10000)
	if !c.BoolOr("use_mem_rope", false) {
		rope = nil
	}
	var all []Layer
	for use := range at {
		l := Layer{Attention: z.attention(fmt.Sprintf("model.layers.%d.shared_transformer.self_attn.", at[use%blocks]), rope)}
		c.zambaBlock(&l, fmt.Sprintf("model.layers.%d.shared_transformer.", at[use%blocks]), use, z)
		all = append(all, l)
	}
	return slices.Clip(all)
}

// zambaBlock completes a block under a prefix, for use number use.
func (c *Config) zambaBlock(l *Layer, prefix string, use int, z sizes) {
	rank, inner := c.IntOr("adapter_rank", 128), z.heads*z.headDim
	norm := Norm{Kind: RMSNorm, Eps: c.FloatOr("rms_norm_eps", 1e-5)}
	l.Side = &Side{Norm: norm.named(prefix + "input_layernorm"), MLPNorm: norm.named(prefix + "pre_ff_layernorm")}
	a := &l.Attention
	a.QKV.Cols, a.Scale = 2*z.dim, 1/math.Sqrt(float64(z.headDim)/2)
	if c.BoolOr("use_shared_attention_adapter", false) {
		a.Adapter = &Adapter{Down: Weight{Cols: 2 * z.dim}, Up: Weight{Cols: rank}, Blocks: 3}
		for _, part := range []string{"q", "k", "v"} {
			p := fmt.Sprintf("%sself_attn.linear_%s_adapter_list.%d.", prefix, part, use)
			a.Adapter.Down.Parts = append(a.Adapter.Down.Parts, Part{p + "0", rank})
			a.Adapter.Up.Parts = append(a.Adapter.Up.Parts, Part{p + "1", inner})
		}
		if rank%4 != 0 {
			c.fail("adapter_rank", "is %d, want a multiple of 4", rank)
		}
	}
	p := fmt.Sprintf("%sfeed_forward.gate_up_proj_adapter_list.%d.", prefix, use)
	bias := c.BoolOr("add_bias_linear", false)
	l.MLP = MLP{
		Act:    c.activation("hidden_act", "gelu"),
		GateUp: linear(prefix+"feed_forward.gate_up_proj", 2*z.hidden, z.dim).biased(bias),
		Down:   linear(prefix+"feed_forward.down_proj", z.dim, z.hidden).biased(bias),
		Adapter: &Adapter{
			Down: linear(p+"0", rank, z.dim), Up: linear(p+"1", 2*z.hidden, rank), Blocks: 1,
		},
	}
}

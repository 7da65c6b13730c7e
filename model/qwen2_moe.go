package model

import (
	"fmt"
	"slices"
)

func init() { register("qwen2_moe", qwen2MoE) }

// qwen2MoE is Qwen1.5-MoE and Qwen2-MoE: Qwen2 with experts, one of them shared by all tokens behind a gate.
func qwen2MoE(c *Config) *Spec {
	s, _ := c.decoder(defaults{kvHeads: 16})
	for i := range s.Layers {
		l := &s.Layers[i]
		l.Attention.QKV.Bias = c.BoolOr("qkv_bias", true)
		l.Attention.Window = c.moeWindow(i)
		if !c.sparse(i) {
			continue
		}
		p := fmt.Sprintf("model.layers.%d.mlp.", i)
		e := c.qwenExperts(p, s.Dim)
		l.MLP = gatedMLP(p+"shared_expert.", s.Dim, c.Int("shared_expert_intermediate_size"), l.MLP.Act)
		e.Router.Parts = append(e.Router.Parts, Part{p + "shared_expert_gate", 1})
		l.MLP.Experts = e
	}
	return s
}

// qwenExperts are the routed experts of the Qwen MoE models.
func (c *Config) qwenExperts(prefix string, dim int) *Experts {
	e := experts(prefix, c.Int("num_experts"), c.Int("num_experts_per_tok"), dim, c.Int("moe_intermediate_size"),
		"gate_proj", "up_proj", "down_proj")
	e.Normalise = c.BoolOr("norm_topk_prob", false)
	return e
}

// moeWindow is the window of a layer of a Qwen MoE model: all layers slide, or none.
func (c *Config) moeWindow(layer int) int {
	if !c.BoolOr("use_sliding_window", false) || !c.slides(layer, true) {
		return 0
	}
	return c.window(4096)
}

// sparse reports whether a layer of a Qwen MoE model has experts.
func (c *Config) sparse(layer int) bool {
	var dense []int
	read(c, "mlp_only_layers", "a list of layers", &dense)
	return c.countOr("num_experts", 1) > 0 && !slices.Contains(dense, layer) && (layer+1)%c.IntOr("decoder_sparse_step", 1) == 0
}

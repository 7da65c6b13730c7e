package model

import (
	"fmt"
	"slices"
)

func init() { register("qwen2_moe", qwen2MoE) }

// qwen2MoE is Qwen1.5-MoE and Qwen2-MoE: Qwen2 with experts, one of them shared by all tokens behind a gate.
func qwen2MoE(c *Config) *Spec {
	s := qwen2(c)
	for i := range s.Layers {
		if !c.sparse(i) {
			continue
		}
		l := &s.Layers[i]
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

// sparse reports whether a layer of a Qwen MoE model has experts.
func (c *Config) sparse(layer int) bool {
	var dense []int
	read(c, "mlp_only_layers", "a list of layers", &dense)
	return !slices.Contains(dense, layer) && (layer+1)%c.IntOr("decoder_sparse_step", 1) == 0
}

package model

import "fmt"

func init() { register("starcoder2", starcoder2) }

// starcoder2 is StarCoder2 (arXiv 2402.19173): Llama's attention with biases, layer norms and a plain MLP.
func starcoder2(c *Config) *Spec {
	d := defaults{tied: true, kvHeads: 2}
	z := c.sizes(d)
	s := c.skeleton(z.dim, d)
	norm := Norm{Kind: LayerNorm, Eps: c.FloatOr("norm_epsilon", 1e-5), Bias: true}
	s.Norm = norm.named("model.norm")
	rope := c.rope(z.headDim, 10000)
	bias := c.BoolOr("use_bias", true)
	for i := range s.Layers {
		p := fmt.Sprintf("model.layers.%d.", i)
		l := Layer{
			AttentionNorm: norm.named(p + "input_layernorm"),
			Attention:     z.attention(p+"self_attn.", rope),
			MLPNorm:       norm.named(p + "post_attention_layernorm"),
			MLP:           plainMLP(p+"mlp.c_fc", p+"mlp.c_proj", z.dim, z.hidden, c.activation("hidden_act", "gelu_pytorch_tanh")),
		}
		l.Attention.QKV.Bias, l.Attention.Out.Bias = bias, bias
		l.MLP.Up.Bias, l.MLP.Down.Bias = bias, bias
		l.Attention.Window = c.window(0)
		s.Layers[i] = l
	}
	return s
}

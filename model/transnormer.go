package model

import (
	"fmt"
	"math"

	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/positional"
)

func init() { register("transnormer", transNormer) }

// transNormer is TransNormerLLM (arXiv 2307.14995): linear attention throughout, with decays and, in layers that
// linear_use_lrpe_list flags, turning keys; norms without weights, and a gated MLP without an activation.
func transNormer(c *Config) *Spec {
	dim, heads := c.Int("decoder_embed_dim"), c.Int("decoder_attention_heads")
	headDim := c.share("decoder_embed_dim", dim, heads)
	if wide := c.IntOr("hidden_dim", dim); wide != dim {
		c.fail("hidden_dim", "is %d, want decoder_embed_dim, %d", wide, dim)
	}
	if kind := c.StringOr("norm_type", "simplermsnorm"); kind != "simplermsnorm" {
		c.fail("norm_type", "%q is not supported, only simplermsnorm", kind)
	}
	norm := Norm{Kind: RMSNorm, Eps: 1e-6, Plain: true}
	s := &Spec{
		Vocab: c.Int("vocab_size"), Dim: dim, Context: c.contextOr("max_position_embeddings", 2048), Base: "model.",
		Embedding: Embedding{Tokens: "model.embed_tokens", Scale: float32(math.Sqrt(float64(dim)))},
		Head:      Head{Name: "lm_head", Tied: c.BoolOr("tie_word_embeddings", true)},
		Norm:      norm, Layers: make([]Layer, c.Int("decoder_layers")),
	}
	if c.BoolOr("no_scale_embedding", false) {
		s.Embedding.Scale = 1
	}
	var turns []int
	if read(c, "linear_use_lrpe_list", "a list of numbers", &turns); len(turns) != 0 && len(turns) < len(s.Layers) {
		c.fail("linear_use_lrpe_list", "names %d layers of %d", len(turns), len(s.Layers))
		return s
	}
	bias, act := c.BoolOr("bias", false), c.activation("linear_act_fun", "silu")
	for i := range s.Layers {
		p := fmt.Sprintf("model.layers.%d.", i)
		a := &NormLinear{Heads: heads, HeadDim: headDim, Act: act, Slopes: transNormerSlopes(heads, i, len(s.Layers)), Eps: norm.Eps}
		a.KQ, a.VU = c.transNormerRows(p+"token_mixer.qkvu_proj", heads, headDim, len(turns) > 0 && turns[i] != 0)
		a.KQ.Bias, a.VU.Bias = bias, bias
		if len(turns) > 0 && turns[i] != 0 {
			a.Theta = p + "token_mixer.lrpe.theta"
		}
		a.Out = linear(p+"token_mixer.out_proj", dim, dim).biased(bias)
		s.Layers[i] = Layer{AttentionNorm: norm, Mixer: a, MLPNorm: norm, MLP: c.transNormerMLP(p+"channel_mixer.", dim, bias)}
	}
	return s
}

// transNormerRows are the keys and queries, each head twice where it turns, and the values and gates, of a projection stored
// as [q, k, v, u][heads][headDim].
func (c *Config) transNormerRows(name string, heads, headDim int, turns bool) (kq, vu Weight) {
	dim, times := heads*headDim, 1
	if turns {
		times = 2
	}
	all := linear(name, 4*dim, dim)
	kq, vu = all, all
	kq.Take, vu.Take = 2*dim*times, 2*dim
	kq.Order = func(r int) int {
		part, head, d := 1-r/(dim*times), r/(headDim*times)%heads, r%headDim
		return part*dim + head*headDim + d
	}
	vu.Order = func(r int) int { return 2*dim + r }
	return kq, vu
}

// transNormerMLP is a gated MLP without an activation.
func (c *Config) transNormerMLP(prefix string, dim int, bias bool) MLP {
	hidden := dim
	if string(c.raw["glu_dim"]) != "-1" { // which means as wide as the stream
		hidden = c.Int("glu_dim")
	}
	gateUp := Weight{Cols: dim, Parts: []Part{{prefix + "l1", hidden}, {prefix + "l2", hidden}}, Bias: bias}
	down := linear(prefix+"l3", dim, hidden).biased(bias)
	return MLP{Act: backend.Identity, GateUp: gateUp.ordered(interleaved(hidden)), Down: down}
}

// transNormerSlopes are ALiBi's, weakened from layer to layer.
func transNormerSlopes(heads, layer, layers int) []float32 {
	slopes := positional.ALiBiSlopes(heads)
	share := 1 - float64(layer)/math.Max(1, float64(layers-1)) + 1e-5
	for h := range slopes {
		slopes[h] = float32(float64(slopes[h]) * share)
	}
	return slopes
}

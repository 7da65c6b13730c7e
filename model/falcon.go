package model

import (
	"fmt"
	"math"

	"github.com/lrun/lrun/positional"
)

func init() { register("falcon", falcon) }

// falcon is Falcon (arXiv 2311.16867) in its three layouts: RW (ALiBi, one key head a query head), 7B (one key head,
// parallel block) and the new decoder of 40B and 180B (grouped keys, two norms).
func falcon(c *Config) *Spec {
	dim, heads := c.Int("hidden_size"), c.Int(c.first("n_head", "num_attention_heads"))
	f := falconShape{c: c, dim: dim, heads: heads, kvHeads: heads, headDim: c.share("hidden_size", dim, heads)}
	f.grouped = c.BoolOr("new_decoder_architecture", false)
	switch {
	case f.grouped:
		f.kvHeads = c.IntOr(c.first("n_head_kv", "num_kv_heads"), heads)
	case c.BoolOr("multi_query", true):
		f.kvHeads = 1
	}
	s := c.falconSkeleton(dim)
	alibi := c.BoolOr("alibi", false)
	var rope *positional.Rope
	if !alibi {
		rope = c.rope(f.headDim, 10000)
	}
	norm := s.Norm
	for i := range s.Layers {
		p := fmt.Sprintf("transformer.h.%d.", i)
		l := Layer{
			Parallel:      f.grouped || c.BoolOr("parallel_attn", true),
			AttentionNorm: norm.named(p + "input_layernorm"),
			Attention:     f.attention(p+"self_attention.", rope),
			MLP:           f.mlp(p + "mlp."),
		}
		if alibi {
			l.Attention.Slopes, l.Attention.SlopesBF16 = falconSlopes(heads), true
		}
		if f.grouped && c.IntOr("num_ln_in_parallel_attn", 2) == 2 {
			l.AttentionNorm, l.MLPNorm = norm.named(p+"ln_attn"), norm.named(p+"ln_mlp")
		}
		if !l.Parallel {
			l.MLPNorm = norm.named(p + "post_attention_layernorm")
		}
		s.Layers[i] = l
	}
	return s
}

// falconShape is what the parts of a layer need to know.
type falconShape struct {
	c                            *Config
	dim, heads, kvHeads, headDim int
	grouped                      bool // the new decoder architecture
}

func (c *Config) falconSkeleton(dim int) *Spec {
	norm := Norm{Kind: LayerNorm, Eps: c.FloatOr("layer_norm_epsilon", 1e-5), Bias: true}
	s := &Spec{
		Vocab: c.Int("vocab_size"), Dim: dim, Context: c.contextOr("max_position_embeddings", 2048), Base: "transformer.",
		Embedding: Embedding{Tokens: "transformer.word_embeddings"},
		Norm:      norm.named("transformer.ln_f"),
		Layers:    make([]Layer, c.Int(c.first("n_layer", "num_hidden_layers"))),
	}
	s.Head = Head{Name: "lm_head", Tied: c.BoolOr("tie_word_embeddings", true)}
	return s
}

// attention has one fused projection whose rows are ordered by layout.
func (f falconShape) attention(prefix string, rope *positional.Rope) Attention {
	bias := f.c.BoolOr("bias", false)
	qkv := linear(prefix+"query_key_value", (f.heads+2*f.kvHeads)*f.headDim, f.dim).biased(bias)
	switch {
	case f.grouped:
		qkv.Order = perGroup(f.heads, f.kvHeads, f.headDim)
	case f.kvHeads == f.heads:
		qkv.Order = perHead(f.heads, f.headDim)
	}
	return Attention{
		Heads: f.heads, KVHeads: f.kvHeads, HeadDim: f.headDim, Rope: rope,
		QKV: qkv, Out: linear(prefix+"dense", f.dim, f.dim).biased(bias),
	}
}

func (f falconShape) mlp(prefix string) MLP {
	c, bias := f.c, f.c.BoolOr("bias", false)
	m := plainMLP(prefix+"dense_h_to_4h", prefix+"dense_4h_to_h", f.dim, c.IntOr("ffn_hidden_size", 4*f.dim),
		c.activation("activation", "gelu"))
	m.Up.Bias, m.Down.Bias = bias, bias
	return m
}

// perGroup orders a projection stored as [kv head][its queries, k, v][headDim] into queries, keys, values.
func perGroup(heads, kvHeads, headDim int) func(int) int {
	group := heads / max(1, kvHeads)
	return func(r int) int {
		h, d := r/headDim, r%headDim
		g, j := h/group, h%group
		if h >= heads {
			g, j = (h-heads)%kvHeads, group+(h-heads)/kvHeads
		}
		return (g*(group+2)+j)*headDim + d
	}
}

// falconSlopes are ALiBi's slopes rounded to bf16, as the reference keeps them, and doubled: the reference's eager
// attention, which the golden fixtures were made with, adds the bias once with the mask and once more to the scores.
// (Its fused attention adds it once.) Doubling is exact in bf16, so it commutes with the rounding of the bias.
func falconSlopes(heads int) []float32 {
	slopes := positional.ALiBiSlopes(heads)
	for i, s := range slopes {
		b := math.Float32bits(s)
		slopes[i] = 2 * math.Float32frombits((b+0x7fff+b>>16&1)&^0xffff)
	}
	return slopes
}

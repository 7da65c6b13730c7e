package model

import (
	"fmt"
	"math"

	"github.com/lrun/lrun/backend"
)

func init() { register("recurrent_gemma", recurrentGemma) }

// recurrentGemma is RecurrentGemma (arXiv 2404.07839): Griffin's recurrent layers with one of local attention among every
// few, and Gemma's embeddings, norms and MLP.
func recurrentGemma(c *Config) *Spec {
	s, z := c.decoder(defaults{tied: true, rotary: 0.5})
	act := c.activation("hidden_activation", "gelu_pytorch_tanh")
	types := []string{"recurrent", "recurrent", "attention"}
	if read(c, "block_types", "a list of texts", &types); len(types) == 0 {
		c.fail("block_types", "is empty")
		return s
	}
	s.Context = c.contextOr("max_position_embeddings", 8192)
	s.Embedding.Scale = bf16(math.Sqrt(float64(s.Dim)))
	s.Norm.Name, s.Norm.PlusOne = "model.final_norm", true
	s.Head.SoftCap = float32(c.FloatOr("logits_soft_cap", 30))
	for i := range s.Layers {
		p := fmt.Sprintf("model.layers.%d.", i)
		l := &s.Layers[i]
		l.AttentionNorm.Name, l.AttentionNorm.PlusOne = p+"temporal_pre_norm", true
		l.MLPNorm.Name, l.MLPNorm.PlusOne = p+"channel_pre_norm", true
		l.MLP = gatedMLP(p+"mlp_block.", z.dim, max(1, z.hidden/2), act)
		switch kind := types[i%len(types)]; kind {
		case "attention":
			l.Attention = z.attention(p+"temporal_block.", l.Attention.Rope)
			l.Attention.Window = c.IntOr("attention_window_size", 2048)
		case "recurrent":
			l.Attention, l.Mixer = Attention{}, c.griffin(p+"temporal_block.", z, act)
		default:
			c.fail("block_types", "%q is not one of recurrent, attention", kind)
		}
		l.biases(c.BoolOr("attention_bias", false), true)
		l.Attention.Out.Bias = true
	}
	return s
}

// griffin is a layer's recurrence.
func (c *Config) griffin(prefix string, z sizes, act backend.Activation) *Griffin {
	width := c.IntOr("lru_width", z.dim)
	block := c.share("lru_width", width, z.heads)
	return &Griffin{
		Width: width, Act: act, Lambda: prefix + "rg_lru.recurrent_param",
		Gate:   linear(prefix+"linear_y", width, z.dim).biased(true),
		In:     linear(prefix+"linear_x", width, z.dim).biased(true),
		Out:    linear(prefix+"linear_out", z.dim, width).biased(true),
		Conv:   ShortConv{prefix + "conv_1d", width, c.IntOr("conv1d_width", 4), true, backend.Identity},
		Input:  linear(prefix+"rg_lru.input_gate", width, block).inBlocks(z.heads),
		Recall: linear(prefix+"rg_lru.recurrent_gate", width, block).inBlocks(z.heads),
	}
}

// inBlocks is the weight as so many blocks with biases, under the names that gates have.
func (w Weight) inBlocks(n int) Weight {
	w.Bias, w.Blocks, w.Joint = true, n, "_"
	return w
}

// bf16 is v rounded to bfloat16.
func bf16(v float64) float32 {
	bits := math.Float32bits(float32(v))
	return math.Float32frombits((bits + 0x7fff + bits>>16&1) &^ 0xffff)
}

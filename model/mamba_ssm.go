package model

import "encoding/json"

// ofMambaSSM reports whether the config.json is of the package mamba_ssm, with which Mamba and Mamba-2 were published: it has
// keys of its own, and no model_type.
func (c *Config) ofMambaSSM() bool {
	return !c.Has("model_type") && c.Has("ssm_cfg") && c.Has("d_model")
}

// asHuggingFace gives such a config the keys that the architectures read.
func (c *Config) asHuggingFace() {
	set := func(key string, value any) {
		text, err := json.Marshal(value)
		if err == nil {
			c.raw[key] = text
		}
	}
	dim, ssm := c.Int("d_model"), c.Object("ssm_cfg")
	set("model_type", "mamba")
	set("hidden_size", dim)
	set("num_hidden_layers", c.Int(c.first("n_layer", "num_hidden_layers")))
	set("tie_word_embeddings", c.BoolOr("tie_embeddings", true))
	set("embedding_name", "backbone.embedding")
	multiple := c.IntOr("pad_vocab_size_multiple", 8)
	set("vocab_size", (c.Int("vocab_size")+multiple-1)/multiple*multiple)
	expand := ssm.IntOr("expand", 2)
	set("expand", expand)
	set("conv_kernel", ssm.IntOr("d_conv", 4))
	set("state_size", ssm.IntOr("d_state", 16))
	set("time_step_rank", ssm.rank("dt_rank", dim))
	set("use_bias", ssm.BoolOr("bias", false))
	set("use_conv_bias", ssm.BoolOr("conv_bias", true))
	if ssm.StringOr("layer", "Mamba1") == "Mamba2" {
		head := ssm.IntOr("headdim", 64)
		set("model_type", "mamba2")
		set("state_size", ssm.IntOr("d_state", 128))
		set("head_dim", head)
		set("num_heads", c.share("headdim", expand*dim, head))
		set("n_groups", ssm.IntOr("ngroups", 1))
		set("norm_groups", ssm.IntOr("ngroups", 1)) // each normed by itself, where Hugging Face norms all together
	}
	for _, key := range []string{"attn_layer_idx", "d_intermediate"} {
		if v := string(c.raw[key]); v != "" && v != "[]" && v != "0" {
			c.fail(key, "is %.40s: layers of attention or MLPs in checkpoints of mamba_ssm are not supported", v)
		}
	}
	if !c.BoolOr("rms_norm", true) {
		c.fail("rms_norm", "is false: checkpoints with layer norms are not supported")
	}
}

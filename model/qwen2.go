package model

func init() { register("qwen2", qwen2) }

// qwen2 is Qwen2 and Qwen2.5 (arXiv 2407.10671): Llama with biases on queries, keys and values.
func qwen2(c *Config) *Spec {
	s := c.decoder(false)
	for i := range s.Layers {
		a := &s.Layers[i].Attention
		a.QKV.Bias = true
		a.Window = c.qwenWindow(i)
	}
	return s
}

// qwenWindow is the window of a layer of the Qwen family: none unless use_sliding_window, and then only in layers from
// max_window_layers on.
func (c *Config) qwenWindow(layer int) int {
	slides := layer >= c.IntOr("max_window_layers", 28)
	if c.BoolOr("use_sliding_window", false) && c.Has("sliding_window") && c.slides(layer, slides) {
		return c.Int("sliding_window")
	}
	return 0
}

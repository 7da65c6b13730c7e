package model

func init() { register("qwen2", qwen2) }

// qwen2 is Qwen2 and Qwen2.5 (arXiv 2407.10671): Llama with biases on queries, keys and values.
func qwen2(c *Config) *Spec {
	s, _ := c.decoder(defaults{kvHeads: 32})
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
	if !c.BoolOr("use_sliding_window", false) || !c.slides(layer, layer >= c.countOr("max_window_layers", 28)) {
		return 0
	}
	return c.window(4096)
}

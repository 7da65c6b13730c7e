package quanttest

import (
	"fmt"
	"math"

	"github.com/lrun/lrun/weights"
)

// Layouts are the ones that lrun reads, with groups of size columns.
func Layouts(size int) []Layout {
	return []Layout{
		gptq("gptq", 4, size, false, false), gptq("gptq", 4, size, true, false), gptq("gptq_v2", 4, size, false, false),
		gptq("gptq", 4, size, false, true), gptq("gptq", 8, size, true, false), gptq("gptq_v2", 8, -1, false, false), gptq("gptq", 2, size, false, false),
		awq(size),
		packed(4, size, true, false, weights.BF16), packed(4, size, false, false, weights.F16), packed(8, 0, true, false, weights.F16),
		packed(4, size, true, true, weights.F32),
		int8s("tensor", true), int8s("channel", true), int8s("channel", false), int8s("group", true),
		fp8("fp8", "_scale_inv", "block", weights.F32), fp8("fp8", "_scale", "tensor", weights.F32),
		fp8("fbgemm_fp8", "_scale", "channel", weights.F32), fp8("compressed-tensors", "_scale", "channel", weights.BF16),
		fp8("compressed-tensors", "_scale", "block", weights.BF16), fp8("compressed-tensors", "_scale", "tensor", weights.F32),
		mxfp4("mxfp4"), mxfp4("compressed-tensors"),
	}
}

func gptq(format string, bits, size int, symmetric, actOrder bool) Layout {
	layout := Layout{
		Name: fmt.Sprintf("%s-int%d", format, bits), DType: weights.F16, Says: fmt.Sprintf("gptq: int%d in groups of %d", bits, size),
		Config: fmt.Sprintf(`{"quant_method": "gptq", "bits": %d, "group_size": %d, "sym": %v, "desc_act": %v, "checkpoint_format": %q}`,
			bits, size, symmetric, actOrder, format),
	}
	if symmetric {
		layout.Name += "-sym"
	}
	if actOrder {
		layout.Name, layout.Says = layout.Name+"-act-order", fmt.Sprintf("gptq: int%d in groups by activation order", bits)
	}
	if size < 0 {
		layout.Says = fmt.Sprintf("gptq: int%d with a scale a row", bits)
	}
	layout.Quantise = func(name string, m Matrix) ([]weights.Tensor, []float32) {
		size, groups := size, 1
		if size < 0 {
			size = m.Cols
		}
		groups = (m.Cols + size - 1) / size
		group := func(col int) int { return col / size }
		if actOrder {
			group = func(col int) int { return (m.Cols - 1 - col) * 7 % m.Cols / size }
		}
		q := m.quantise(bits, groups, symmetric, group, rounder(weights.F16))
		borrow := 0
		if format == "gptq" {
			borrow = 1
		}
		per := 32 / bits
		zeros := words(name+".qzeros", groups, m.Rows/per, bits, func(g, c, n int) int { return q.zeros[c*per+n][g] })
		if borrow == 1 { // as GPTQModel does it: from whole words
			for i := 0; i < len(zeros.Data); i += 4 {
				word := uint32(0)
				for b := range 4 {
					word |= uint32(zeros.Data[i+b]) << (8 * b)
				}
				for n := range per {
					word -= 1 << (n * bits)
				}
				for b := range 4 {
					zeros.Data[i+b] = byte(word >> (8 * b))
				}
			}
		}
		return []weights.Tensor{
			words(name+".qweight", m.Cols/per, m.Rows, bits, func(r, c, n int) int { return q.codes[c][r*per+n] }),
			zeros, Floats(name+".scales", weights.F16, transposed(q.scales), groups, m.Rows), indices(name+".g_idx", q.group),
		}, q.decoded()
	}
	return layout
}

func awq(size int) Layout {
	return Layout{
		Name: "awq", DType: weights.F16, Says: fmt.Sprintf("awq: int4 in groups of %d", size),
		Config: fmt.Sprintf(`{"quant_method": "awq", "bits": 4, "group_size": %d, "zero_point": true, "version": "gemm", "modules_to_not_convert": null}`, size),
		Quantise: func(name string, m Matrix) ([]weights.Tensor, []float32) {
			groups := m.Cols / size
			q := m.quantise(4, groups, false, func(col int) int { return col / size }, rounder(weights.F16))
			order := [8]int{0, 2, 4, 6, 1, 3, 5, 7}
			return []weights.Tensor{
				words(name+".qweight", m.Cols, m.Rows/8, 4, func(r, c, n int) int { return q.codes[8*c+order[n]][r] }),
				words(name+".qzeros", groups, m.Rows/8, 4, func(r, c, n int) int { return q.zeros[8*c+order[n]][r] }),
				Floats(name+".scales", weights.F16, transposed(q.scales), groups, m.Rows),
			}, q.decoded()
		},
	}
}

// compressedConfig is the quantization_config of compressed-tensors.
func compressedConfig(format, scheme string) string {
	return fmt.Sprintf(`{"quant_method": "compressed-tensors", "format": %q, "ignore": ["lm_head"], "kv_cache_scheme": null,
		"config_groups": {"group_0": {"targets": ["Linear"], "weights": {%s}, "input_activations": null}}}`, format, scheme)
}

func packed(bits, size int, symmetric, actOrder bool, scales weights.DType) Layout {
	layout := Layout{
		Name: fmt.Sprintf("pack-quantized-int%d", bits), DType: scales, Says: fmt.Sprintf("compressed-tensors: int%d in groups of %d", bits, size),
		Config: compressedConfig("pack-quantized", fmt.Sprintf(`"num_bits": %d, "type": "int", "symmetric": %v`, bits, symmetric)),
	}
	if size == 0 {
		layout.Says = fmt.Sprintf("compressed-tensors: int%d with a scale a row", bits)
	}
	if !symmetric {
		layout.Name += "-asymmetric"
	}
	if actOrder {
		layout.Name, layout.Says = layout.Name+"-act-order", fmt.Sprintf("compressed-tensors: int%d in groups by activation order", bits)
	}
	layout.Quantise = func(name string, m Matrix) ([]weights.Tensor, []float32) {
		size, per := size, 32/bits
		if size == 0 {
			size = m.Cols
		}
		groups := m.Cols / size
		group := func(col int) int { return col / size }
		if actOrder {
			group = func(col int) int { return (m.Cols - 1 - col) / size }
		}
		q := m.quantise(bits, groups, symmetric, group, rounder(scales))
		tensors := []weights.Tensor{
			words(name+".weight_packed", m.Rows, (m.Cols+per-1)/per, bits, func(r, c, n int) int {
				if c*per+n >= m.Cols {
					return 0
				}
				return q.codes[r][c*per+n]
			}),
			weights.FromInt64(name+".weight_shape", []int{2}, []int64{int64(m.Rows), int64(m.Cols)}),
			Floats(name+".weight_scale", scales, flat(q.scales), m.Rows, groups),
		}
		if !symmetric {
			tensors = append(tensors, words(name+".weight_zero_point", (m.Rows+per-1)/per, groups, bits, func(r, c, n int) int {
				if r*per+n >= m.Rows {
					return 0
				}
				return q.zeros[r*per+n][c]
			}))
		}
		if actOrder {
			tensors = append(tensors, indices(name+".weight_g_idx", q.group))
		}
		return tensors, q.decoded()
	}
	return layout
}

func int8s(strategy string, symmetric bool) Layout {
	says := map[string]string{"tensor": "with a scale a matrix", "channel": "with a scale a row", "group": "in groups of 8"}[strategy]
	layout := Layout{
		Name: "int-quantized-" + strategy, DType: weights.BF16, Says: "compressed-tensors: int8 " + says,
		Config: compressedConfig("int-quantized", fmt.Sprintf(`"num_bits": 8, "type": "int", "symmetric": %v, "strategy": %q`, symmetric, strategy)),
	}
	if !symmetric {
		layout.Name += "-asymmetric"
	}
	layout.Quantise = func(name string, m Matrix) ([]weights.Tensor, []float32) {
		groups := 1
		if strategy == "group" {
			groups = m.Cols / 8
		}
		q := m.quantise(8, groups, symmetric, func(col int) int { return col * groups / m.Cols }, rounder(weights.BF16))
		shape := []int{m.Rows, groups}
		if strategy == "tensor" {
			shape = []int{1}
			for r := range q.scales {
				q.scales[r][0] = q.scales[0][0]
			}
			q.scales = q.scales[:1:1]
		}
		data, zeros := weights.Tensor{Name: name + ".weight", DType: weights.I8, Shape: []int{m.Rows, m.Cols}}, []byte{}
		for r := range m.Rows {
			for _, code := range q.codes[r] {
				data.Data = append(data.Data, byte(code-128))
			}
			for _, zero := range q.zeros[r] {
				zeros = append(zeros, byte(zero-128))
			}
		}
		tensors := []weights.Tensor{data, Floats(name+".weight_scale", weights.BF16, flat(q.scales), shape...)}
		if !symmetric {
			tensors = append(tensors, weights.Tensor{Name: name + ".weight_zero_point", DType: weights.I8, Shape: shape, Data: zeros})
		}
		for len(q.scales) < m.Rows {
			q.scales = append(q.scales, q.scales[0])
		}
		return tensors, q.decoded()
	}
	return layout
}

// float8 is the value of an e4m3 number.
func float8(b byte) float32 {
	exponent, fraction := int(b>>3&15), float64(b&7)
	value := math.Ldexp(8+fraction, exponent-10)
	if exponent == 0 {
		value = math.Ldexp(fraction, -9)
	}
	if b >= 0x80 {
		value = -value
	}
	return float32(value)
}

// nearest is the byte below n whose value is closest to v.
func nearest(v float32, n int, value func(byte) float32) (best byte) {
	for b := range n {
		if b&0x7f != 0x7f && math.Abs(float64(value(byte(b))-v)) < math.Abs(float64(value(best)-v)) {
			best = byte(b)
		}
	}
	return best
}

func fp8(method, suffix, strategy string, scales weights.DType) Layout {
	high, wide := 24, 40
	says := map[string]string{"tensor": "with a scale a matrix", "channel": "with a scale a row", "block": "in blocks of 24 × 40"}[strategy]
	layout := Layout{
		Name: method + "-" + strategy, DType: scales, Says: method + ": float8 e4m3 " + says,
		Config: fmt.Sprintf(`{"quant_method": %q, "activation_scheme": "dynamic"`, method),
	}
	if method == "compressed-tensors" {
		layout.Config = compressedConfig("float-quantized", `"num_bits": 8, "type": "float", "block_structure": [24, 40]`)
	} else {
		layout.Says += "; activations stay floating-point"
		if strategy == "block" {
			layout.Config += `, "weight_block_size": [24, 40]`
		}
		layout.Config += "}"
	}
	layout.Quantise = func(name string, m Matrix) ([]weights.Tensor, []float32) {
		high, wide := high, wide
		shape := []int{(m.Rows + high - 1) / high, (m.Cols + wide - 1) / wide}
		switch strategy {
		case "tensor":
			high, wide, shape = m.Rows, m.Cols, nil
		case "channel":
			high, wide, shape = 1, m.Cols, []int{m.Rows, 1}
		}
		blocks := (m.Cols + wide - 1) / wide
		factors := make([]float32, (m.Rows+high-1)/high*blocks)
		for i := range factors {
			factors[i] = Round(scales, 0.001+0.0001*float32(i%7))
		}
		data := weights.Tensor{Name: name + ".weight", DType: weights.F8E4M3, Shape: []int{m.Rows, m.Cols}}
		var decoded []float32
		for r := range m.Rows {
			for c := range m.Cols {
				factor := factors[r/high*blocks+c/wide]
				b := nearest(m.at(r, c)/factor, 256, float8)
				data.Data = append(data.Data, b)
				decoded = append(decoded, factor*float8(b))
			}
		}
		return []weights.Tensor{data, Floats(name+".weight"+suffix, scales, factors, shape...)}, decoded
	}
	return layout
}

// float4 is the value of an e2m1 number.
func float4(b byte) float32 {
	value := [8]float32{0, 0.5, 1, 1.5, 2, 3, 4, 6}[b&7]
	if b >= 8 {
		return -value
	}
	return value
}

func mxfp4(method string) Layout {
	layout := Layout{
		Name: "mxfp4-" + method, DType: weights.BF16, Says: method + ": float4 e2m1 in groups of 32",
		Config: `{"quant_method": "mxfp4", "modules_to_not_convert": ["lm_head"]}`,
	}
	if method == "compressed-tensors" {
		layout.Config = compressedConfig("mxfp4-pack-quantized", `"num_bits": 4, "type": "float", "group_size": 32`)
	}
	layout.Quantise = func(name string, m Matrix) ([]weights.Tensor, []float32) {
		pairs := weights.Tensor{Name: name + ".weight_blocks", DType: weights.U8, Shape: []int{m.Rows, m.Cols / 32, 16}}
		scales := weights.Tensor{Name: name + ".weight_scales", DType: weights.U8, Shape: []int{m.Rows, m.Cols / 32}}
		if method == "compressed-tensors" {
			pairs.Name, pairs.Shape, scales.Name = name+".weight_packed", []int{m.Rows, m.Cols / 2}, name+".weight_scale"
		}
		var decoded []float32
		for r := range m.Rows {
			for g := range m.Cols / 32 {
				exponent := -6 + (r+g)%3
				scales.Data = append(scales.Data, byte(exponent+127))
				for n := range 32 {
					factor := float32(math.Ldexp(1, exponent))
					b := nearest(m.at(r, g*32+n)/factor, 16, float4)
					if n%2 == 0 {
						pairs.Data = append(pairs.Data, b)
					} else {
						pairs.Data[len(pairs.Data)-1] |= b << 4
					}
					decoded = append(decoded, factor*float4(b))
				}
			}
		}
		return []weights.Tensor{pairs, scales}, decoded
	}
	return layout
}

package weights_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/lrun/lrun/internal/quanttest"
	"github.com/lrun/lrun/weights"
)

// folder is a checkpoint.
func folder(t testing.TB, config string, tensors []weights.Tensor) fstest.MapFS {
	t.Helper()
	return fstest.MapFS{
		"config.json":       {Data: []byte(`{"quantization_config": ` + config + `, "time_step_limit": [0.0, Infinity]}`)},
		"model.safetensors": {Data: weights.Encoded(t, tensors, nil)},
	}
}

// layouts are those of others, in groups of some size, and lrun's own.
func layouts(size int) []quanttest.Layout {
	return append(quanttest.Layouts(size), quanttest.Rows()...)
}

// Ensure that each layout, of matrices that divide by little, decodes to exactly the floats that its codes stand for, in
// pieces of any size, beside plain tensors; and that codes and scales as they are make the same floats.
func TestQuantisedLayouts(t *testing.T) {
	for _, size := range []int{16, 32} {
		for _, layout := range layouts(size) {
			for _, shape := range [][2]int{{32, 64}, {48, 96}, {80, 224}, {45, 64}} {
				if shape[0]%8 != 0 && (strings.HasPrefix(layout.Name, "gptq") || layout.Name == "awq") {
					continue // they store whole words of outputs
				}
				t.Run(fmt.Sprintf("%s/%d/%dx%d", layout.Name, size, shape[0], shape[1]), func(t *testing.T) {
					r := rand.New(rand.NewPCG(1, 2))
					parts, want := layout.Quantise("a.b", quanttest.Matrix{Rows: shape[0], Cols: shape[1], Rand: r})
					plain := weights.FromFloat32("norm.weight", []int{2}, []float32{1, 2})
					c, err := weights.OpenFS(folder(t, layout.Config, append(parts, plain)), ".")
					if err != nil {
						t.Fatal(err)
					}
					if !slices.Equal(c.Names(), []string{"a.b.weight", "norm.weight"}) || c.Quantised() != layout.Says {
						t.Fatalf("tensors %v, %q; want %q", c.Names(), c.Quantised(), layout.Says)
					}
					w, _ := c.Tensor("a.b.weight")
					if !w.Packed() || !slices.Equal(w.Shape, shape[:]) || w.DType != layout.DType || w.Bytes() != int(c.Bytes())-8 {
						t.Errorf("%v of %d bytes", w, w.Bytes())
					}
					checkReads(t, w, want)
					checkGroups(t, w, want)
					if err := c.Close(); err != nil || len(w.Float32s()) != 0 || w.Bytes() != 0 {
						t.Errorf("after Close: %v, %d elements", err, len(w.Float32s()))
					}
				})
			}
		}
	}
}

// checkReads reads a tensor whole and in pieces, from many goroutines.
func checkReads(t *testing.T, w *weights.Tensor, want []float32) {
	t.Helper()
	var readers sync.WaitGroup
	for _, size := range []int{1, 7, w.Shape[1], 3*w.Shape[1] + 1, len(want), 2 * len(want)} {
		readers.Go(func() {
			var got []float32
			buffer := make([]float32, size)
			for n := w.ReadFloat32(buffer, 0); n > 0; n = w.ReadFloat32(buffer, len(got)) {
				got = append(got, buffer[:n]...)
			}
			if len(got) != len(want) {
				t.Errorf("pieces of %d: %d elements, want %d", size, len(got), len(want))
				return
			}
			for i := range want {
				if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
					t.Errorf("pieces of %d: element %d is %v, want %v", size, i, got[i], want[i])
					return
				}
			}
		})
	}
	readers.Wait()
}

// checkGroups rebuilds a tensor from its groups, where it has any.
func checkGroups(t *testing.T, w *weights.Tensor, want []float32) {
	t.Helper()
	size, ok := w.Groups(0, nil, nil, nil)
	if !ok {
		return
	}
	cols := w.Shape[1]
	groups := (cols + size - 1) / size
	for first := 0; first < w.Shape[0]; first += 3 {
		rows := min(3, w.Shape[0]-first)
		codes, scales, zeros := make([]uint8, rows*cols), make([]float32, rows*groups), make([]float32, rows*groups)
		w.Groups(first, codes, scales, zeros)
		for i, code := range codes {
			g := i/cols*groups + i%cols/size
			if got := scales[g] * (float32(code) - zeros[g]); code > 15 || zeros[g] < 0 || zeros[g] > 15 || got != want[first*cols+i] {
				t.Fatalf("row %d: element %d is %v·(%d − %v), want %v", first, i, scales[g], code, zeros[g], want[first*cols+i])
			}
		}
	}
}

// Ensure that the layouts of 4-bit integers give their groups, and no others.
func TestGroups(t *testing.T) {
	var with []string
	for _, layout := range quanttest.Layouts(16) {
		parts, _ := layout.Quantise("w", quanttest.Matrix{Rows: 16, Cols: 32, Rand: rand.New(rand.NewPCG(1, 2))})
		c, err := weights.OpenFS(folder(t, layout.Config, parts), ".")
		if err != nil {
			t.Fatal(err)
		}
		w, _ := c.Tensor("w.weight")
		if size, ok := w.Groups(0, nil, nil, nil); ok && size == 16 {
			with = append(with, layout.Name)
		}
	}
	if want := "gptq-int4 gptq-int4-sym gptq_v2-int4 awq pack-quantized-int4 pack-quantized-int4-asymmetric"; strings.Join(with, " ") != want {
		t.Errorf("groups of %v, want %s", with, want)
	}
}

// Ensure that symmetric GPTQ weights are right whichever way their zeros were stored.
func TestSymmetricZeros(t *testing.T) {
	for _, layout := range quanttest.Layouts(16)[1:3] {
		parts, _ := layout.Quantise("w", quanttest.Matrix{Rows: 16, Cols: 32, Rand: rand.New(rand.NewPCG(1, 2))})
		for i := range parts {
			if strings.HasSuffix(parts[i].Name, ".qzeros") {
				for j := range parts[i].Data {
					parts[i].Data[j] = 0x88
				}
			}
		}
		config := `{"quant_method": "gptq", "bits": 4, "group_size": 16, "sym": true, "checkpoint_format": "gptq"}`
		c, err := weights.OpenFS(folder(t, config, parts), ".")
		if err != nil {
			t.Fatal(err)
		}
		w, _ := c.Tensor("w.weight")
		zeros := make([]float32, 2)
		w.Groups(0, nil, nil, zeros)
		if zeros[0] != 8 || zeros[1] != 8 {
			t.Errorf("zeros %v", zeros)
		}
	}
}

// Ensure that floats whose scales are powers of 2 are kept in half the bytes, NaN among them, and block-scaled experts in
// three dimensions.
func TestPowersOfTwo(t *testing.T) {
	data := weights.Tensor{Name: "w.weight", DType: weights.F8E4M3, Shape: []int{2, 2}, Data: []byte{0x38, 0x7f, 0xb8, 0x3c}}
	c, err := weights.OpenFS(folder(t, `{"quant_method": "fp8", "weight_block_size": [2, 1]}`, []weights.Tensor{
		data, weights.FromFloat32("w.weight_scale_inv", []int{1, 2}, []float32{0.5, 4}),
	}), ".")
	if err != nil {
		t.Fatal(err)
	}
	w, _ := c.Tensor("w.weight")
	got := w.Float32s()
	if w.DType != weights.BF16 || got[0] != 0.5 || got[1] == got[1] || got[2] != -0.5 || got[3] != 6 {
		t.Errorf("%v: %v", w, got)
	}

	blocks := weights.Tensor{Name: "experts.up_blocks", DType: weights.U8, Shape: []int{2, 1, 1, 16}, Data: make([]byte, 32)}
	blocks.Data[16] = 0xf2
	c, err = weights.OpenFS(folder(t, `{"quant_method": "mxfp4"}`, []weights.Tensor{
		blocks, {Name: "experts.up_scales", DType: weights.U8, Shape: []int{2, 1, 1}, Data: []byte{127, 128}},
	}), ".")
	if err != nil {
		t.Fatal(err)
	}
	w, _ = c.Tensor("experts.up")
	if got := w.Float32s(); !slices.Equal(w.Shape, []int{2, 1, 32}) || got[32] != 2 || got[33] != -12 {
		t.Errorf("%v: %v", w, got)
	}
}

// Ensure that blocks are understood as older checkpoints of compressed-tensors write them, under the older key.
func TestOldCompressedConfig(t *testing.T) {
	layout := quanttest.Layouts(16)[20]
	parts, want := layout.Quantise("w", quanttest.Matrix{Rows: 48, Cols: 96, Rand: rand.New(rand.NewPCG(1, 2))})
	files := folder(t, strings.Replace(layout.Config, "[24, 40]", `"24x40"`, 1), parts)
	config := files["config.json"]
	config.Data = []byte(strings.Replace(string(config.Data), "quantization_config", "compression_config", 1))
	c, err := weights.OpenFS(files, ".")
	if err != nil || c.Quantised() != layout.Says {
		t.Fatalf("%v: %q, want %q", err, c.Quantised(), layout.Says)
	}
	w, _ := c.Tensor("w.weight")
	checkReads(t, w, want)
	config.Data = []byte(strings.Replace(string(config.Data), "24x40", "24", 1))
	if _, err := weights.OpenFS(files, "."); err == nil || !strings.Contains(err.Error(), "block_structure") {
		t.Errorf("a block of one number: %v", err)
	}
}

// Ensure that each fault is an error that names the file or the key, the tensor and the remedy.
func TestQuantisedErrors(t *testing.T) {
	gptq, awq, fp8, packed, mx := quanttest.Layouts(16)[0], quanttest.Layouts(16)[7], quanttest.Layouts(16)[16], quanttest.Layouts(16)[9],
		quanttest.Layouts(16)[22]
	rows := quanttest.Rows()[1]
	drop := func(suffix string) func([]weights.Tensor) []weights.Tensor {
		return func(all []weights.Tensor) []weights.Tensor {
			return slices.DeleteFunc(all, func(t weights.Tensor) bool { return strings.HasSuffix(t.Name, suffix) })
		}
	}
	// cut keeps part of a tensor's first dimension.
	cut := func(suffix string, n int) func([]weights.Tensor) []weights.Tensor {
		return func(all []weights.Tensor) []weights.Tensor {
			for i := range all {
				if t := &all[i]; strings.HasSuffix(t.Name, suffix) {
					t.Data = t.Data[:len(t.Data)/t.Shape[0]*n]
					t.Shape[0] = n
				}
			}
			return all
		}
	}
	set := func(suffix string, at int, b byte) func([]weights.Tensor) []weights.Tensor {
		return func(all []weights.Tensor) []weights.Tensor {
			for i := range all {
				if t := &all[i]; strings.HasSuffix(t.Name, suffix) {
					t.Data[at] = b
				}
			}
			return all
		}
	}
	for _, test := range []struct {
		name   string
		layout quanttest.Layout
		config string
		change func([]weights.Tensor) []weights.Tensor
		says   []string
	}{
		{"gptq without scales", gptq, "", drop(".scales"), []string{"model.safetensors", `"w.qweight"`, `"w.scales"`, "download"}},
		{"gptq without zeros", gptq, "", drop(".qzeros"), []string{`"w.qzeros"`}},
		{"gptq scales short", gptq, "", cut(".scales", 1), []string{`"w.qweight"`, "does not fit scales"}},
		{"gptq codes short", gptq, "", cut(".qweight", 3), []string{`"w.g_idx"`, "want I32 [24]"}},
		{"gptq group too high", gptq, "", set(".g_idx", 0, 2), []string{`"w.g_idx"`, "input 0 is in group 2 of 2"}},
		{"gptq group negative", gptq, "", set(".g_idx", 3, 0xff), []string{`"w.g_idx"`, "group -"}},
		{"gptq of 3 bits", gptq, "", func([]weights.Tensor) []weights.Tensor {
			ints := func(name string, rows, cols int) weights.Tensor {
				return weights.Tensor{Name: name, DType: weights.I32, Shape: []int{rows, cols}, Data: make([]byte, 4*rows*cols)}
			}
			return []weights.Tensor{ints("w.qweight", 3, 32), ints("w.qzeros", 1, 3), weights.FromFloat32("w.scales", []int{1, 32}, make([]float32, 32))}
		}, []string{`"w.qweight"`, "3 bits", "2, 4 and 8"}},
		{"marlin", gptq, `{"quant_method": "gptq", "checkpoint_format": "marlin"}`, nil, []string{"config.json", "checkpoint_format", `"marlin"`, "gptq_v2"}},
		{"awq without zeros", awq, "", drop(".qzeros"), []string{`"w.qzeros"`}},
		{"awq scales short", awq, "", cut(".scales", 1), []string{`"w.qweight"`, "does not fit"}},
		{"awq codes short", awq, "", cut(".qweight", 15), []string{`"w.qweight"`, "15 inputs do not make the 2 groups"}},
		{"awq gemv", awq, `{"quant_method": "awq", "version": "gemv"}`, nil, []string{"config.json", "version", `"gemv"`, "gemm"}},
		{"awq as gptq", awq, gptq.Config, nil, []string{`"w.qweight"`}},
		{"fp8 without scales", fp8, "", drop("_inv"), []string{`"w.weight"`, `"w.weight_scale"`}},
		{"fp8 scales short", fp8, "", cut("_inv", 0), []string{`"w.weight_scale_inv"`, "block of [24 40] of 16 × 32"}},
		{"fp8 block of zero", fp8, `{"quant_method": "fp8", "weight_block_size": [0, 0]}`, nil, nil},
		{"packed without shape", packed, "", drop("_shape"), []string{`"w.weight_shape"`}},
		{"packed of another shape", packed, "", set("_shape", 8, 99), []string{`"w.weight_shape"`, "does not fit"}},
		{"packed of 6 bits", packed, "", set("_shape", 8, 20), []string{`"w.weight_packed"`, "4 or 8 bits"}},
		{"packed of a huge shape", packed, "", set("_shape", 15, 0x7f), []string{`"w.weight_shape"`}},
		{"packed zeros short", packed, "", cut("_zero_point", 1), []string{`"w.weight_zero_point"`}},
		{"sparse", packed, `{"quant_method": "compressed-tensors", "format": "marlin-24"}`, nil, []string{"format", `"marlin-24"`, "pack-quantized"}},
		{"mxfp4 without scales", mx, "", drop("_scales"), []string{`"w.weight_scales"`}},
		{"mxfp4 scales short", mx, "", cut("_scales", 3), []string{`"w.weight_scales"`}},
		{"rows without shape", rows, "", drop("_shape"), []string{`"w.weight_rows"`, `"w.weight_shape"`, "download"}},
		{"rows of another shape", rows, "", set("_shape", 8, 33), []string{`"w.weight_shape"`, "it is [16 33], which does not fit rows [16 32] of q4"}},
		{"rows of a huge shape", rows, "", set("_shape", 15, 0x7f), []string{`"w.weight_shape"`}},
		{"too few rows", rows, "", cut("_rows", 15), []string{`"w.weight_shape"`, "[15 32]"}},
		{"rows of another type", rows, quanttest.Rows()[0].Config, nil, []string{`"w.weight_shape"`, "of q8"}},
		{"rows of an unknown type", rows, `{"quant_method": "lrun", "format": "q5"}`, nil, []string{"format", `"q5"`, "q8 and q4"}},
		{"no config of rows", rows, `null`, nil, []string{`"w.weight_rows"`, "no quantization_config"}},
		{"bitsandbytes", gptq, `{"quant_method": "bitsandbytes", "load_in_4bit": true}`, nil, []string{"config.json", `"bitsandbytes"`, "awq, compressed-tensors", "dequantize"}},
		{"no method", gptq, `{"bits": 4}`, nil, []string{"quant_method", `""`}},
		{"config not an object", gptq, `[1]`, nil, []string{"config.json", "quantization_config"}},
		{"bits a text", gptq, `{"quant_method": "gptq", "group_size": "x"}`, nil, []string{"config.json", "group_size"}},
		{"no config", gptq, `null`, nil, []string{`"w.qweight"`, "no quantization_config"}},
		{"no config of floats", fp8, `null`, nil, []string{`"w.weight"`, "no quantization_config"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			parts, _ := test.layout.Quantise("w", quanttest.Matrix{Rows: 16, Cols: 32, Rand: rand.New(rand.NewPCG(1, 2))})
			if test.change != nil {
				parts = test.change(parts)
			}
			if test.config == "" {
				test.config = test.layout.Config
			}
			_, err := weights.OpenFS(folder(t, test.config, parts), ".")
			if test.says == nil && err == nil {
				return
			}
			if !errors.Is(err, weights.ErrQuantised) {
				t.Fatalf("error %v", err)
			}
			for _, part := range test.says {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("the error %q does not say %q", err, part)
				}
			}
		})
	}
}

// BenchmarkPacked decodes 64 rows at a time, as a model is loaded; its throughput is that of the decoded floats.
func BenchmarkPacked(b *testing.B) {
	const rows, cols = 512, 4096
	for _, layout := range layouts(128) {
		parts, want := layout.Quantise("w", quanttest.Matrix{Rows: rows, Cols: cols, Rand: rand.New(rand.NewPCG(1, 2))})
		c, err := weights.OpenFS(folder(b, layout.Config, parts), ".")
		if err != nil {
			b.Fatal(err)
		}
		w, _ := c.Tensor("w.weight")
		b.Run(layout.Name, func(b *testing.B) {
			b.SetBytes(4 * int64(len(want)))
			dst := make([]float32, 64*cols)
			for b.Loop() {
				for row := 0; row < rows; row += 64 {
					w.ReadFloat32(dst, row*cols)
				}
			}
		})
	}
}

// FuzzQuantised: any config and any dtypes, shapes and bytes of a layout's tensors are refused or can be read.
func FuzzQuantised(f *testing.F) {
	layouts := layouts(16)
	for i, layout := range layouts {
		f.Add([]byte(layout.Config), uint8(i), []byte{})
		f.Add([]byte(layout.Config), uint8(i), []byte{0, 0, 7, 1, 1, 3, 2, 2, 1, 1, 3, 200})
	}
	f.Fuzz(func(t *testing.T, config []byte, layout uint8, edits []byte) {
		parts, _ := layouts[int(layout)%len(layouts)].Quantise("w", quanttest.Matrix{Rows: 16, Cols: 32, Rand: rand.New(rand.NewPCG(1, 2))})
		for ; len(edits) >= 3 && len(parts) > 0; edits = edits[3:] {
			at := int(edits[0]) % len(parts)
			if edits[1]%8 == 7 {
				parts = slices.Delete(parts, at, at+1)
			} else {
				edit(&parts[at], edits[1]%8, edits[2])
			}
		}
		c, err := weights.OpenFS(folder(t, string(config), parts), ".")
		if err != nil {
			return
		}
		for _, name := range c.Names() {
			w, _ := c.Tensor(name)
			if n := len(w.Float32s()); n != w.Elements() {
				t.Errorf("%v has %d elements", w, n)
			}
			if size, ok := w.Groups(0, nil, nil, nil); ok {
				groups := (w.Shape[1] + size - 1) / size
				w.Groups(0, make([]uint8, w.Elements()), make([]float32, w.Shape[0]*groups), make([]float32, w.Shape[0]*groups))
			}
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
}

// edit changes one thing of a tensor, and its bytes to be as many as it then needs.
func edit(t *weights.Tensor, kind, value uint8) {
	t.Shape = slices.Clone(t.Shape)
	switch {
	case kind == 0 && len(t.Shape) > 0:
		t.Shape[0] = int(value)
	case kind == 1 && len(t.Shape) > 1:
		t.Shape[1] = int(value)
	case kind == 2:
		t.DType = weights.DType(value)%weights.Bool + 1
	case kind == 3:
		t.Shape = append(t.Shape, int(value%4))
	case kind == 4 && len(t.Shape) > 0:
		t.Shape = t.Shape[1:]
	case len(t.Data) > 0:
		t.Data[int(value)%len(t.Data)] = kind * value
	}
	n := t.Elements() * t.DType.Size()
	t.Data = append(t.Data, make([]byte, max(0, n-len(t.Data)))...)[:n]
}

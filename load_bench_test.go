package lrun

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lrun/lrun/internal/testkit"
	"github.com/lrun/lrun/weights"
)

// BenchmarkLarge loads a random Llama of width 2048 in bf16 and decodes with it: the bytes that the host holds while
// loading beyond the page cache, and tokens a second. LRUN_BENCH_LAYERS sets its layers, 2 where it is absent.
func BenchmarkLarge(b *testing.B) {
	layers, err := strconv.Atoi(os.Getenv("LRUN_BENCH_LAYERS"))
	if err != nil {
		layers = 2
	}
	dir := b.TempDir()
	writeRandomLlama(b, dir, layers)
	for _, dev := range testkit.Backends(b) {
		b.Run(dev.Name(), func(b *testing.B) {
			before, peak := anonymous(), int64(0)
			start := time.Now()
			m, err := Open(dir, WithBackend(dev.Name()), WithProgress(func(int64, int64) { peak = max(peak, anonymous()-before) }))
			if err != nil {
				b.Fatal(err)
			}
			defer m.Close()
			b.ReportMetric(time.Since(start).Seconds(), "load-s")
			b.ReportMetric(float64(peak)/(1<<20), "host-MiB")
			b.ReportMetric(float64(m.Info().DeviceBytes)/(1<<20), "device-MiB")
			b.ReportMetric(float64(m.Info().WeightBytes)/(1<<20), "weight-MiB")
			decode(b, m)
		})
	}
}

// decode measures tokens a second after a prompt.
func decode(b *testing.B, m *Model) {
	prompt := make([]int32, 256)
	var r Result
	for range b.N {
		for _, err := range m.GenerateIDs(ctx, prompt, WithTemperature(0), WithMaxTokens(33), WithResult(&r)) {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(r.PromptTokens)/r.Prefill.Seconds(), "prefill-tokens/s")
	b.ReportMetric(float64(r.Generated-1)/r.Decode.Seconds(), "decode-tokens/s")
}

// anonymous is the memory of the process that is not the page cache's, in bytes.
func anonymous() int64 {
	data, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(data)) {
		var kib int64
		if n, _ := fmt.Sscanf(line, "RssAnon: %d kB", &kib); n == 1 {
			return kib << 10
		}
	}
	return 0
}

// writeRandomLlama writes a checkpoint of one shard a layer.
func writeRandomLlama(b *testing.B, dir string, layers int) {
	const dim, hidden, vocab, kv = 2048, 8192, 32000, 512
	config := map[string]any{"model_type": "llama", "vocab_size": vocab, "hidden_size": dim, "intermediate_size": hidden,
		"num_hidden_layers": layers, "num_attention_heads": 32, "num_key_value_heads": 8, "max_position_embeddings": 8192,
		"rms_norm_eps": 1e-5, "rope_theta": 10000.0, "hidden_act": "silu", "tie_word_embeddings": true}
	index := map[string]string{}
	shard := func(file string, shapes map[string][]int) {
		var tensors []weights.Tensor
		for name, shape := range shapes {
			tensors = append(tensors, randomBF16(name, shape))
			index[name] = file
		}
		if err := weights.Write(filepath.Join(dir, file), tensors, nil); err != nil {
			b.Fatal(err)
		}
	}
	shard("model-embed.safetensors", map[string][]int{"model.embed_tokens.weight": {vocab, dim}, "model.norm.weight": {dim}})
	for i := range layers {
		p := fmt.Sprintf("model.layers.%d.", i)
		shard(fmt.Sprintf("model-%05d.safetensors", i), map[string][]int{
			p + "input_layernorm.weight": {dim}, p + "post_attention_layernorm.weight": {dim},
			p + "self_attn.q_proj.weight": {dim, dim}, p + "self_attn.k_proj.weight": {kv, dim},
			p + "self_attn.v_proj.weight": {kv, dim}, p + "self_attn.o_proj.weight": {dim, dim},
			p + "mlp.gate_proj.weight": {hidden, dim}, p + "mlp.up_proj.weight": {hidden, dim},
			p + "mlp.down_proj.weight": {dim, hidden},
		})
	}
	writeJSON(b, filepath.Join(dir, "config.json"), config)
	writeJSON(b, filepath.Join(dir, "model.safetensors.index.json"), map[string]any{"weight_map": index})
}

// randomBF16 is a tensor of values around ±0.02.
func randomBF16(name string, shape []int) weights.Tensor {
	t := weights.Tensor{Name: name, DType: weights.BF16, Shape: shape}
	t.Data = make([]byte, 2*t.Elements())
	random := rand.New(rand.NewPCG(1, uint64(len(t.Data))))
	for i := 0; i < len(t.Data); i += 2 {
		bits := random.Uint32()
		t.Data[i] = byte(bits)
		t.Data[i+1] = 0x3c | byte(bits>>8)&0x80
	}
	return t
}

func writeJSON(b *testing.B, path string, value any) {
	data, err := json.Marshal(value)
	if err == nil {
		err = os.WriteFile(path, data, 0o600)
	}
	if err != nil {
		b.Fatal(err)
	}
}

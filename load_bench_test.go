package lrun

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/backend/webgpu"
	"github.com/lrun/lrun/internal/testkit"
	"github.com/lrun/lrun/weights"
)

// layersFor is how many layers benchmarks give their Llama: LRUN_BENCH_LAYERS, or 2.
func layersFor() int {
	layers, err := strconv.Atoi(os.Getenv("LRUN_BENCH_LAYERS"))
	if err != nil {
		return 2
	}
	return layers
}

// BenchmarkLarge loads a random Llama of width 2048 in bf16 and decodes with it: tokens a second.
func BenchmarkLarge(b *testing.B) {
	dir := b.TempDir()
	small := llama{dim: 2048, hidden: 8192, vocab: 32000, heads: 32, kv: 512, layers: layersFor(), tied: true}
	small.write(b, dir, writeRandom)
	for _, dev := range testkit.Backends(b) {
		b.Run(dev.Name(), func(b *testing.B) {
			m := loaded(b, dir, dev)
			defer m.Close()
			decode(b, m)
		})
	}
}

// BenchmarkLoad loads a Llama of the shape of the 8B one (which has 32 layers) in bf16, as it is and quantised: the bytes that
// the host holds meanwhile in memory of its own and in pages of the files, without those of a device whose memory is the
// host's, as far as it is filled: the CPU backend takes a whole matrix at once. Its weights are zeros that take no place on
// the disk.
func BenchmarkLoad(b *testing.B) {
	dir := b.TempDir()
	large := llama{dim: 4096, hidden: 14336, vocab: 128256, heads: 32, kv: 1024, layers: layersFor()}
	large.write(b, dir, writeSparse)
	for _, dev := range testkit.Backends(b) {
		for _, format := range []string{"none", "q8", "q4"} {
			b.Run(dev.Name()+"/"+format, func(b *testing.B) {
				for range b.N {
					if err := loaded(b, dir, dev, WithQuant(format)).Close(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// loaded opens a model and reports how that went.
func loaded(b *testing.B, dir string, dev backend.Backend, options ...Option) *Model {
	debug.FreeOSMemory() // of the model before
	adapters, _ := Adapters()
	shared := dev.Name() == "cpu" || len(adapters) > 0 && adapters[0].Kind == webgpu.Software
	before, peak, mapped := resident("RssAnon"), int64(0), int64(0)
	watch := func(done, _ int64) {
		own := resident("RssAnon") - before
		if shared {
			own -= done
		}
		peak, mapped = max(peak, own), max(mapped, resident("RssFile"))
	}
	start := time.Now()
	m, err := Open(dir, append(options, WithBackend(dev.Name()), WithProgress(watch))...)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(time.Since(start).Seconds(), "load-s")
	b.ReportMetric(float64(peak)/(1<<20), "host-MiB")
	b.ReportMetric(float64(mapped)/(1<<20), "file-MiB")
	b.ReportMetric(float64(m.Info().DeviceBytes)/(1<<20), "device-MiB")
	b.ReportMetric(float64(m.Info().WeightBytes)/(1<<20), "weight-MiB")
	return m
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

// resident is what the process has in memory, in bytes: of its own ("RssAnon"), or of files ("RssFile").
func resident(kind string) int64 {
	data, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(data)) {
		var kib int64
		if n, _ := fmt.Sscanf(line, kind+": %d kB", &kib); n == 1 {
			return kib << 10
		}
	}
	return 0
}

// llama is the shape of one.
type llama struct {
	dim, hidden, vocab, heads, kv, layers int // kv: width of keys and of values
	tied                                  bool
}

// write writes a checkpoint of one shard a layer.
func (c llama) write(b *testing.B, dir string, write func(path string, shapes map[string][]int) error) {
	index := map[string]string{}
	shard := func(file string, shapes map[string][]int) {
		for name := range shapes {
			index[name] = file
		}
		if err := write(filepath.Join(dir, file), shapes); err != nil {
			b.Fatal(err)
		}
	}
	ends := map[string][]int{"model.embed_tokens.weight": {c.vocab, c.dim}, "model.norm.weight": {c.dim}}
	if !c.tied {
		ends["lm_head.weight"] = []int{c.vocab, c.dim}
	}
	shard("model-ends.safetensors", ends)
	for i := range c.layers {
		p := fmt.Sprintf("model.layers.%d.", i)
		shard(fmt.Sprintf("model-%05d.safetensors", i), map[string][]int{
			p + "input_layernorm.weight": {c.dim}, p + "post_attention_layernorm.weight": {c.dim},
			p + "self_attn.q_proj.weight": {c.dim, c.dim}, p + "self_attn.k_proj.weight": {c.kv, c.dim},
			p + "self_attn.v_proj.weight": {c.kv, c.dim}, p + "self_attn.o_proj.weight": {c.dim, c.dim},
			p + "mlp.gate_proj.weight": {c.hidden, c.dim}, p + "mlp.up_proj.weight": {c.hidden, c.dim},
			p + "mlp.down_proj.weight": {c.dim, c.hidden},
		})
	}
	writeJSON(b, filepath.Join(dir, "config.json"), map[string]any{"model_type": "llama", "vocab_size": c.vocab, "hidden_size": c.dim,
		"intermediate_size": c.hidden, "num_hidden_layers": c.layers, "num_attention_heads": c.heads,
		"num_key_value_heads": c.kv * c.heads / c.dim, "max_position_embeddings": 8192, "rms_norm_eps": 1e-5, "rope_theta": 10000.0,
		"hidden_act": "silu", "tie_word_embeddings": c.tied})
	writeJSON(b, filepath.Join(dir, "model.safetensors.index.json"), map[string]any{"weight_map": index})
}

// writeRandom writes a file of random bf16.
func writeRandom(path string, shapes map[string][]int) error {
	var tensors []weights.Tensor
	for name, shape := range shapes {
		tensors = append(tensors, randomBF16(name, shape))
	}
	return weights.Write(path, tensors, nil)
}

// writeSparse writes a file of bf16 zeros that has only a header on the disk.
func writeSparse(path string, shapes map[string][]int) error {
	header, size := map[string]any{}, 0
	for name, shape := range shapes {
		t := weights.Tensor{DType: weights.BF16, Shape: shape}
		header[name] = map[string]any{"dtype": "BF16", "shape": shape, "data_offsets": []int{size, size + 2*t.Elements()}}
		size += 2 * t.Elements()
	}
	data, err := json.Marshal(header)
	if err != nil {
		return err
	}
	data = append(binary.LittleEndian.AppendUint64(nil, uint64(len(data))), data...)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		return err
	}
	return os.Truncate(path, int64(len(data)+size))
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

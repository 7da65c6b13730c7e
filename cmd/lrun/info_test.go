package main

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lrun/lrun"
	"github.com/lrun/lrun/internal/quanttest"
	"github.com/lrun/lrun/internal/testkit"
	"github.com/lrun/lrun/testdata"
	"github.com/lrun/lrun/weights"
)

// Ensure that info says of a checkpoint what the loaded model says, and what choices change of it.
func TestInfo(t *testing.T) {
	m, err := lrun.OpenFS(testdata.Tiny(), "tiny", lrun.WithBackend("cpu"))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	want := m.Info()
	got := decoded[report](t, succeed(t, "", "info", "--json")).Model
	if got.Type != want.Type || got.Layers != want.Layers || got.Dim != want.Dim || got.Vocab != want.Vocab ||
		got.Context != want.Context || got.WeightBytes != want.WeightBytes || got.KVTokenBytes != int64(want.KVTokenBytes) {
		t.Errorf("%+v, want %+v", got, want)
	}
	half := decoded[report](t, succeed(t, "", "info", "--json", "--kv=f16", "--context=512")).Model
	if half.KVBytes != got.KVBytes || half.Context != 512 || half.KVTokenBytes*2 != got.KVTokenBytes {
		t.Errorf("%+v", half)
	}
	// Heads of 64 channels: 64 bytes and two scales of four in place of 256 bytes.
	eighth := decoded[report](t, succeed(t, "", "info", "--json", "--kv=q8")).Model
	if eighth.KVTokenBytes*256 != got.KVTokenBytes*72 || eighth.KVBytes != eighth.KVTokenBytes*int64(eighth.Context) {
		t.Errorf("%+v", eighth)
	}
	text := succeed(t, "", "info")
	for _, want := range []string{"lrun-tiny: llama, 2.427 M parameters in BF16", "auto", "adapter", "weights 4.629 MiB + cache 1 MiB"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

// Ensure that info says how a quantised checkpoint is stored, and what its weights take once decoded.
func TestInfoOfQuantised(t *testing.T) {
	dir := t.TempDir()
	layout := quanttest.Layouts(16)[0]
	parts, _ := layout.Quantise("w", quanttest.Matrix{Rows: 512, Cols: 1024, Rand: rand.New(rand.NewPCG(1, 2))})
	if err := weights.Write(filepath.Join(dir, "model.safetensors"), parts, nil); err != nil {
		t.Fatal(err)
	}
	config, err := os.ReadFile(testkit.Testdata("golden", "llama_gqa", "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	config = append([]byte(`{"quantization_config": `+layout.Config+`,`), config[1:]...)
	if err := os.WriteFile(filepath.Join(dir, "config.json"), config, 0o600); err != nil {
		t.Fatal(err)
	}
	text := succeed(t, "", "info", "-m", dir)
	for _, want := range []string{"524.3 K parameters in F16", "gptq: int4 in groups of 16; decoded to F16", "weights 1 MiB"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

// Ensure that the dispatches of a token are whole and free of prefill's.
func TestDispatches(t *testing.T) {
	onBackends(t, func(t *testing.T, backend string) {
		few := decoded[report](t, succeed(t, "", "info", "--json", "--dispatches", backend)).Dispatches
		if n := int(few.PerToken); few.PerToken != float64(n) || n < 4 || few.PerLayer != few.PerToken/4 {
			t.Errorf("%+v", few)
		}
	})
}

// Ensure that info works where there is no adapter, and says what to do.
func TestInfoWithoutAdapter(t *testing.T) {
	cmd := process(t, "info", "--json")
	cmd.Env = append(cmd.Env, noAdapter...)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	r := decoded[report](t, string(out))
	if len(r.Adapters) > 0 {
		t.Skip("the environment does not hide this machine's adapters")
	}
	if r.AdapterError == "" || r.Auto.Backend != "cpu" || r.Model.Type == "" {
		t.Errorf("%s", out)
	}
}

// noAdapter hides Vulkan drivers from the loader.
var noAdapter = []string{"VK_ICD_FILENAMES=/nonexistent", "VK_DRIVER_FILES=/nonexistent", "LRUN_ADAPTER="}

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lrun/lrun/bench"
	"github.com/lrun/lrun/internal/testkit"
)

// Ensure that bench measures prompts and generation at each depth, on each backend, and compared with itself says 1.00.
func TestBench(t *testing.T) {
	onBackends(t, func(t *testing.T, backend string) {
		args := []string{"bench", backend, "-q", "-p", "4,40", "-n", "4", "-d", "0,70", "-r", "2"}
		out := succeed(t, "", append(args, "--json")...)
		r := decoded[bench.Result](t, out)
		var names []string
		for _, row := range r.Rows {
			names = append(names, row.Name)
		}
		if got := strings.Join(names, " "); got != "pp4 pp40 tg4 pp4@70 pp40@70 tg4@70" {
			t.Errorf("measured %s", got)
		}
		file := filepath.Join(t.TempDir(), "before.json")
		if err := os.WriteFile(file, []byte(out), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := r.Compare(&r); err != nil {
			t.Fatal(err)
		}
		var text strings.Builder
		if err := r.Print(&text, true); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(text.String()) {
			if f := strings.Fields(line); len(f) == 11 && f[0] != "test" && f[4] != "1.00" {
				t.Errorf("compared with itself: %s", line)
			}
		}
		if again := succeed(t, "", append(args, "--compare", file, "--kernels")...); !strings.Contains(again, "tg4@70") {
			t.Errorf("compared:\n%s", again)
		}
	})
}

// Ensure that bench counts no round trips where all blocks are on the device.
func TestBenchOfBlocks(t *testing.T) {
	r := decoded[bench.Result](t, succeed(t, "", "bench", "-p", "400", "-n", "8", "-d", "400", "-r", "1", "--memory", "infllm",
		"--memory-opt", "max_cached_block=0", "--json", "--backend", "cpu", "-q"))
	if tg := r.Rows[1]; tg.RoundTrips != 0 || tg.LookedUp == 0 || tg.Rate.Median <= 0 {
		t.Errorf("%+v", tg)
	}
}

// Ensure that a config.json is enough for bench.
func TestBenchOfRandomWeights(t *testing.T) {
	dir := t.TempDir()
	copyFile(t, testkit.Testdata("golden", "falcon_mamba", "config.json"), filepath.Join(dir, "config.json"))
	r := decoded[bench.Result](t, succeed(t, "", "bench", "-m", dir, "--random-weights", "f16", "-p", "0", "-n", "2", "-r", "1", "--json", "--backend", "cpu", "-q"))
	if len(r.Rows) != 1 || r.Rows[0].Name != "tg2" || r.DType != "F16" {
		t.Errorf("%+v", r)
	}
}

// Ensure that what bench cannot measure is an error that names it.
func TestBenchErrors(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"no.json": "{", "other.json": `{"rows": [{"name": "pp1"}]}`} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	wrong(t, "at least 2", "", "bench", "-p", "1")
	wrong(t, "rising order", "", "bench", "-d", "4k,1k")
	wrong(t, "--depth", "", "bench", "-d", "x")
	wrong(t, "nothing to measure", "", "bench", "-p", "0", "-n", "0")
	wrong(t, "at least one repeat", "", "bench", "-r", "0")
	wrong(t, "f32, f16 or bf16", "", "bench", "--random-weights", "q4")
	wrong(t, "no such file", "", "bench", "--compare", filepath.Join(dir, "none.json"))
	wrong(t, "no result of", "", "bench", "--compare", filepath.Join(dir, "no.json"))
	wrong(t, "none of these measurements", "", "bench", "--backend", "cpu", "-p", "0", "-n", "2", "-r", "1", "--compare", filepath.Join(dir, "other.json"))
}

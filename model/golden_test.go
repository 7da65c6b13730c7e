package model

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/internal/testkit"
	"github.com/lrun/lrun/weights"
)

// tolerance is what the fixtures allow a float32 implementation, in absolute logits.
const tolerance = 2e-3

// Ensure that every fixture of a known architecture gives the reference's logits and greedy ids on every backend.
func TestGolden(t *testing.T) {
	dirs := testkit.Fixtures(t)
	for _, b := range testkit.Backends(t) {
		t.Run(b.Name(), func(t *testing.T) {
			var table strings.Builder
			for _, dir := range dirs {
				golden := readGolden(t, dir)
				if golden == nil {
					continue
				}
				t.Run(filepath.Base(dir), func(t *testing.T) {
					worst, greedy := golden.compare(t, b)
					fmt.Fprintf(&table, "%-28s %-8s %9.2e  greedy %d/%d\n", filepath.Base(dir), b.Name(), worst, greedy, len(golden.greedy))
				})
			}
			t.Logf("fixture, backend, largest logit error, greedy ids compared\n%s", table.String())
		})
	}
}

// golden is a fixture.
type golden struct {
	dir    string
	spec   *Spec
	ids    []int32
	vocab  int
	logits []float32
	greedy []int64
	margin []float32
}

// readGolden opens a fixture, or returns nil when its architecture or rope scaling is not one of ours.
func readGolden(t *testing.T, dir string) *golden {
	data, err := os.ReadFile(filepath.Join(dir, "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	g := &golden{dir: dir}
	config, err := ParseConfig(filepath.Join(dir, "config.json"), data)
	if err != nil {
		t.Fatal(err)
	}
	if g.spec, err = Declare(config); err != nil {
		if !strings.Contains(err.Error(), "is not supported") {
			t.Fatal(err)
		}
		return nil
	}
	for i := range g.spec.Layers {
		if g.spec.Type == "recurrent_gemma" { // the reference forgets the window, but where it decodes with its cache
			g.spec.Layers[i].Attention.Window = 0
		}
	}
	file, err := weights.OpenFile(filepath.Join(dir, "golden.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, id := range int64s(t, file, "input_ids") {
		g.ids = append(g.ids, int32(id))
	}
	logits, _ := file.Tensor("logits")
	g.logits, g.vocab = logits.Float32s(), logits.Shape[1]
	g.greedy = int64s(t, file, "greedy_ids")
	if margin, ok := file.Tensor("greedy_margin"); ok {
		g.margin = margin.Float32s()
	}
	return g
}

func int64s(t *testing.T, file *weights.Checkpoint, name string) []int64 {
	tensor, ok := file.Tensor(name)
	if !ok {
		t.Fatalf("no %s", name)
	}
	v, err := tensor.Int64s()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// compare runs the fixture and returns the largest error and how many greedy ids were compared.
func (g *golden) compare(t *testing.T, b backend.Backend) (worst float64, greedy int) {
	m := load(t, b, g.dir, g.spec, Options{})
	logits := allLogits(t, m, b, g.ids, m.Chunk())
	worst = largestError(logits, g.logits)
	if worst > tolerance || math.IsNaN(worst) {
		t.Errorf("logits differ by %.3g, at most %.3g is allowed", worst, tolerance)
	}
	ids := slices.Clone(g.ids)
	for i, want := range g.greedy {
		if g.margin != nil && float64(g.margin[i]) < 10*worst {
			break
		}
		logits = allLogits(t, m, b, ids, m.Chunk())
		got := argmax(logits[len(logits)-g.vocab:])
		if int64(got) != want {
			t.Fatalf("greedy id %d is %d, want %d", i, got, want)
		}
		ids = append(ids, int32(got))
		greedy++
	}
	return worst, greedy
}

// load opens a checkpoint on a backend for the duration of a test.
func load(t *testing.T, b backend.Backend, dir string, s *Spec, o Options) *Model {
	t.Helper()
	ckpt, err := weights.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer ckpt.Close()
	m, err := Load(b, s, ckpt, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return m
}

// allLogits runs ids from scratch in chunks and returns every row of logits.
func allLogits(t *testing.T, m *Model, b backend.Backend, ids []int32, chunk int) []float32 {
	t.Helper()
	seq, err := m.NewSequence()
	if err != nil {
		t.Fatal(err)
	}
	defer m.Release(seq)
	return rest(t, m, b, seq, ids, chunk)
}

// rest are the logits of ids read after what a sequence has, in chunks.
func rest(t *testing.T, m *Model, b backend.Backend, seq *Sequence, ids []int32, chunk int) []float32 {
	t.Helper()
	var all []float32
	for len(ids) > 0 {
		n := seq.Step(min(chunk, len(ids)))
		all = append(all, forward(t, m, b, seq, ids[:n])...)
		ids = ids[n:]
	}
	return all
}

func argmax(v []float32) int {
	best := 0
	for i := range v {
		if v[i] > v[best] {
			best = i
		}
	}
	return best
}

func largestError(got, want []float32) float64 {
	if len(got) != len(want) {
		return math.Inf(1)
	}
	worst := 0.0
	for i := range got {
		worst = max(worst, math.Abs(float64(got[i])-float64(want[i])))
	}
	return worst
}

// floats reads little-endian f32.
func floats(data []byte) []float32 {
	v := make([]float32, len(data)/4)
	for i := range v {
		v[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
	}
	return v
}

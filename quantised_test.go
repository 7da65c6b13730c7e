package lrun

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lrun/lrun/internal/quanttest"
	"github.com/lrun/lrun/internal/testkit"
	"github.com/lrun/lrun/testdata"
	"github.com/lrun/lrun/weights"
)

// requantise writes a fixture into two folders: its linears quantised, and as the floats that the codes stand for, of the
// dtype that the first is kept in.
func requantise(t *testing.T, fixture string, layout quanttest.Layout) (quantised, floats string) {
	t.Helper()
	c, err := weights.OpenFile(filepath.Join(fixture, "model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var packed, plain []weights.Tensor
	for _, name := range c.Names() {
		w, _ := c.Tensor(name)
		base, linear := strings.CutSuffix(name, "_proj.weight")
		values, cols := w.Float32s(), w.Shape[len(w.Shape)-1]
		conv := strings.HasSuffix(base, "c") // GPT-2's Conv1D, stored [in][out]
		if conv {
			values, cols = transposed(values, cols), w.Shape[0]
		}
		if !linear || strings.HasPrefix(layout.Name, "mxfp4") && cols%32 > 0 {
			packed, plain = append(packed, *w), append(plain, *w)
			continue
		}
		parts, values := layout.Quantise(base+"_proj", quanttest.Matrix{Rows: len(values) / cols, Cols: cols, Values: values})
		if conv {
			values = transposed(values, cols)
		}
		for i, v := range values {
			values[i] = quanttest.Round(layout.DType, v)
		}
		packed, plain = append(packed, parts...), append(plain, quanttest.Floats(name, layout.DType, values, w.Shape...))
	}
	var config map[string]any
	data, err := os.ReadFile(filepath.Join(fixture, "config.json"))
	if err == nil {
		err = json.Unmarshal(data, &config)
	}
	if err != nil {
		t.Fatal(err)
	}
	write := func(tensors []weights.Tensor) string {
		dir := t.TempDir()
		data, err := json.Marshal(config)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, "config.json"), data, 0o600)
		}
		if err == nil {
			err = weights.Write(filepath.Join(dir, "model.safetensors"), tensors, nil)
		}
		if err != nil {
			t.Fatal(err)
		}
		return dir
	}
	floats = write(plain)
	config["quantization_config"] = json.RawMessage(layout.Config)
	return write(packed), floats
}

// Ensure that a whole checkpoint of each layout gives the logits of the floats that it stands for, bit for bit, on every
// backend, and says what it is.
func TestQuantisedCheckpoints(t *testing.T) {
	ids := []int32{1, 17, 99, 4, 203, 42, 42, 7}
	for _, layout := range quanttest.Layouts(16) {
		t.Run(layout.Name, func(t *testing.T) {
			quantised, floats := requantise(t, testkit.Testdata("golden", "llama_gqa"), layout)
			info, err := Describe(quantised)
			if err != nil {
				t.Fatal(err)
			}
			said, _, _ := strings.Cut(layout.Says, " in ") // which groups differs with the shape
			if !strings.HasPrefix(info.Quantised, said) || info.Parameters != described(t, floats).Parameters {
				t.Errorf("%q of %d parameters, want %q", info.Quantised, info.Parameters, layout.Says)
			}
			for _, b := range testkit.Backends(t) {
				got, want := allLogits(t, quantised, b.Name(), ids), allLogits(t, floats, b.Name(), ids)
				if !slices.Equal(got, want) {
					t.Errorf("%s: logits differ: %v, want %v", b.Name(), got[:4], want[:4])
				}
			}
		})
	}
}

// transposed is a matrix of some columns with rows and columns exchanged.
func transposed(values []float32, cols int) (all []float32) {
	for c := range cols {
		for i := c; i < len(values); i += cols {
			all = append(all, values[i])
		}
	}
	return all
}

// Ensure that quantised weights of a model whose plain ones are stored transposed are taken as they are, [out][in].
func TestQuantisedConv1D(t *testing.T) {
	quantised, floats := requantise(t, testkit.Testdata("golden", "gpt2"), quanttest.Layouts(16)[0])
	for _, b := range testkit.Backends(t) {
		if ids := []int32{1, 2, 3}; !slices.Equal(allLogits(t, quantised, b.Name(), ids), allLogits(t, floats, b.Name(), ids)) {
			t.Errorf("%s: logits differ", b.Name())
		}
	}
}

func described(t *testing.T, dir string) Info {
	t.Helper()
	info, err := Describe(dir)
	if err != nil {
		t.Fatal(err)
	}
	return info
}

// allLogits are those after each token.
func allLogits(t *testing.T, dir, backend string, ids []int32, options ...Option) (all []float32) {
	t.Helper()
	m, err := Open(dir, append(options, WithBackend(backend))...)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	err = m.Logits(ctx, ids, func(_ int, row []float32) error {
		all = append(all, row...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// Ensure that quantised matrices leave the perplexity of the embedded model, on a held-out text, where it was: within 0.5 % in
// q8 and 8 % in q4, on every backend.
func TestQuantisedPerplexity(t *testing.T) {
	text, err := os.ReadFile(testkit.Testdata("tiny-data", "heldout.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range testkit.Backends(t) {
		plain := perplexity(t, string(text), WithBackend(b.Name()))
		for format, within := range map[string]float64{"q8": 0.005, "q4": 0.08} {
			got := perplexity(t, string(text), WithBackend(b.Name()), WithQuant(format))
			t.Logf("%s: perplexity %.3f in %s, %.3f without, %+.2f %%", b.Name(), got, format, plain, 100*(got/plain-1))
			if !(got < plain*(1+within)) {
				t.Errorf("%s: perplexity %.3f in %s, want at most %g %% above %.3f", b.Name(), got, format, 100*within, plain)
			}
		}
	}
}

// perplexity of the embedded model on a text, in windows of its context.
func perplexity(t *testing.T, text string, options ...Option) float64 {
	t.Helper()
	m, err := OpenFS(testdata.Tiny(), "tiny", options...)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	ids, err := m.Encode(text, true)
	if err != nil {
		t.Fatal(err)
	}
	sum, tokens := 0.0, 0
	for score, err := range m.ScoreAll(ctx, slices.Collect(slices.Chunk(ids, m.Info().Context))) {
		if err != nil {
			t.Fatal(err)
		}
		if score.Token > 0 {
			sum, tokens = sum-score.LogProb, tokens+1
		}
	}
	return math.Exp(sum / float64(tokens))
}

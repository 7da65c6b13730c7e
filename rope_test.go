package lrun

import (
	"context"
	"encoding/binary"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/lrun/lrun/internal/testkit"
	"github.com/lrun/lrun/memory"
	"github.com/lrun/lrun/model"
	"github.com/lrun/lrun/testdata"
	"github.com/lrun/lrun/weights"
)

// long is a text of four times the embedded model's window, with the reference's last logits under several methods.
func long(t *testing.T) (ids []int32, logits map[string][]float32) {
	t.Helper()
	if testing.Short() {
		t.Skip("slow: texts of 1,024 tokens")
	}
	file, err := weights.OpenFile(testkit.OnlyShared(t, "models", "tiny-data", "golden_long.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	logits = map[string][]float32{}
	for _, name := range file.Names() {
		tensor, _ := file.Tensor(name)
		if method, ok := strings.CutPrefix(name, "logits."); ok {
			logits[method] = tensor.Float32s()
			continue
		}
		all, err := tensor.Int64s()
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range all {
			ids = append(ids, int32(id))
		}
	}
	return ids, logits
}

// lastLogits are those of the last n tokens.
func lastLogits(t *testing.T, m *Model, ids []int32, n int) []float32 {
	t.Helper()
	var last []float32
	err := m.Logits(context.Background(), ids, func(token int, logits []float32) error {
		if token >= len(ids)-n {
			last = append(last, logits...)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return last
}

// apart is the largest difference.
func apart(a, b []float32) float64 {
	if len(a) != len(b) {
		return math.Inf(1)
	}
	worst := 0.0
	for i := range a {
		worst = max(worst, math.Abs(float64(a[i]-b[i])))
	}
	return worst
}

// Ensure that far past its window the model gives the reference's logits under every method that the reference has, in
// chunks of any size.
func TestLongTexts(t *testing.T) {
	ids, want := long(t)
	for name, options := range map[string][]Option{
		"full":     {WithContext(2048)},
		"linear_4": {WithRope("linear:4")},
		"ntk_4":    {WithRope("ntk:4")},
		"lambda":   {WithRope("lambda:10,200,256")},
		"sink":     {WithMemory(memory.Sinks{Start: 4, Recent: 251})},
	} {
		for _, chunk := range []int{256, 100} {
			onBackends(t, func(t *testing.T, m *Model) {
				got := lastLogits(t, m, ids, 32)
				if worst := apart(got, want[name]); !(worst < 2e-3) {
					t.Errorf("%s in chunks of %d: logits differ by %.3g", name, chunk, worst)
				} else {
					t.Logf("%s in chunks of %d: largest difference %.2g", name, chunk, worst)
				}
			}, append(options, WithChunk(chunk))...)
		}
	}
}

// Ensure that while a text is no longer than LM-Infinite's window its mask changes nothing, bit for bit.
func TestLambdaWithinItsWindow(t *testing.T) {
	ids := make([]int32, 150)
	for i := range ids {
		ids[i] = int32(i*37%1000 + 2)
	}
	for _, b := range testkit.Backends(t) {
		full := lastLogits(t, tiny(t, b.Name()), ids, 150)
		lambda := lastLogits(t, tiny(t, b.Name(), WithRope("lambda:10,150")), ids, 150)
		if !slices.Equal(full, lambda) {
			t.Errorf("%s: logits differ by %g", b.Name(), apart(full, lambda))
		}
	}
}

// Ensure that memory stays flat however long the text is, that a session goes on past any context, and that it says what
// it no longer sees.
func TestLambdaIsFlat(t *testing.T) {
	onBackends(t, func(t *testing.T, m *Model) {
		s, err := m.NewSession()
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		ids := make([]int32, 400)
		for i := range ids {
			ids[i] = int32(i*37%1000 + 2)
		}
		var held []int64
		var r Result
		for range 3 {
			for _, err := range s.GenerateIDs(t.Context(), ids, WithMaxTokens(5), WithResult(&r)) {
				if err != nil {
					t.Fatal(err)
				}
			}
			held = append(held, m.Info().DeviceBytes)
		}
		if held[2] != held[0] {
			t.Errorf("memory grows from %d to %d bytes", held[0], held[2])
		}
		if r.Kept != 210 || r.Kept+r.Dropped != 3*405 {
			t.Errorf("%d tokens are seen and %d not, want 210 of %d", r.Kept, r.Dropped, 3*405)
		}
		if info := m.Info(); info.Context != 0 || info.KVBytes != info.KVTokenBytes*220 {
			t.Errorf("the context is %d tokens, %d bytes", info.Context, info.KVBytes)
		}
	}, WithRope("lambda:10,200"), WithChunk(64))
}

// Ensure that with frequencies that depend on the length, cached keys and new queries agree: token by token the last
// logits of a text are those of reading it in one go, as far as the layers below were read with other frequencies.
func TestDynamicTurnsItsKeys(t *testing.T) {
	ids := make([]int32, 300)
	for i := range ids {
		ids[i] = int32(i*37%1000 + 2)
	}
	onBackends(t, func(t *testing.T, m *Model) {
		whole := lastLogits(t, m, ids, 1)
		seq, err := m.net.NewSequence()
		if err != nil {
			t.Fatal(err)
		}
		defer m.net.Release(seq)
		var last []float32
		read, err := m.backend.NewReadback(4 * len(whole))
		if err != nil {
			t.Fatal(err)
		}
		defer read.Release()
		for i := range ids {
			if err := m.net.Forward(t.Context(), seq, model.Input{IDs: ids[i : i+1], Rows: model.LastRow}, fetcher{read}); err != nil {
				t.Fatal(err)
			}
			data, err := read.Wait(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			last = last[:0]
			for ; len(data) > 0; data = data[4:] {
				last = append(last, math.Float32frombits(binary.LittleEndian.Uint32(data)))
			}
		}
		if worst := apart(last, whole); !(worst < 0.5) || worst == 0 {
			t.Errorf("logits differ by %.3g", worst)
		}
	}, WithRope("dynamic:2"))
}

// Ensure that a method which cannot be is an error before anything is loaded, and says what to write.
func TestRopeErrors(t *testing.T) {
	for method, want := range map[string]string{
		"":              "empty rope",
		"spiral:2":      "known are",
		"linear:0":      "factor is missing or 0",
		"ntk":           "the form is ntk:8",
		"lambda:10":     "the form is lambda:10,2048",
		"lambda:10,0":   "at least one token",
		"lambda:1,9,3":  "below the 9 last",
		"clex":          "clex_layer.proj_func.ode_up_proj",
		"longrope":      "short_factor has 0 numbers, want 32",
		"yarn:0.5":      "factor is 0.5",
		"truncated:0.5": "truncate is 0.5",
		"dynamic:2":     "use a cache of f32",

		"lambda:10,200,256,5,4": "none of the model's 4 layers",
	} {
		m, err := OpenFS(testdata.Tiny(), "tiny", WithBackend("cpu"), WithRope(method), WithKV("f16"))
		if err == nil {
			m.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("rope %q: error %v, want %q", method, err, want)
		}
	}
}

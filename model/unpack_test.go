package model

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/internal/quanttest"
	"github.com/lrun/lrun/weights"
)

// Ensure that 4-bit codes in groups of 32 columns, with scales in f16, become a Q4 matrix that stands for the same numbers
// exactly, and that there are such layouts.
func TestCodesStay(t *testing.T) {
	const rows, cols = 160, 96
	checked := 0
	for _, layout := range quanttest.Layouts(32) {
		parts, want := layout.Quantise("w", quanttest.Matrix{Rows: rows, Cols: cols, Rand: rand.New(rand.NewPCG(1, 2))})
		dir := t.TempDir()
		config := `{"quantization_config": ` + layout.Config + `}`
		if err := os.WriteFile(filepath.Join(dir, weights.ConfigName), []byte(config), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := weights.Write(filepath.Join(dir, weights.SingleName), parts, nil); err != nil {
			t.Fatal(err)
		}
		c, err := weights.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		w, _ := c.Tensor("w.weight")
		if size, ok := w.Groups(0, nil, nil, nil); !ok || size%backend.Group > 0 || w.DType != weights.F16 {
			continue
		}
		checked++
		var got []float32
		row := make([]float32, cols)
		for _, data := range newGatherer(Weight{Parts: []Part{{"w", rows}}, Cols: cols}, []*weights.Tensor{w}, backend.Q4).blocks() {
			for stored := range slices.Chunk(data, backend.Q4.RowBytes(cols)) {
				backend.Q4.Decode(row, stored, cols)
				got = append(got, row...)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v…, want %v…", layout.Name, got[:4], want[:4])
		}
	}
	if checked < 3 {
		t.Errorf("%d layouts were checked", checked)
	}
}

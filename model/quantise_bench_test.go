package model

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/weights"
)

// BenchmarkQuantise quantises a matrix as it is loaded, on all cores; its throughput is that of the bf16 read.
func BenchmarkQuantise(b *testing.B) {
	const rows, cols = 4096, 4096
	t := &weights.Tensor{Name: "w.weight", DType: weights.BF16, Shape: []int{rows, cols}, Data: make([]byte, 2*rows*cols)}
	r := rand.New(rand.NewPCG(1, 2))
	for i := 0; i < len(t.Data); i += 2 {
		binary.LittleEndian.PutUint16(t.Data[i:], bfloat16(float32(r.NormFloat64()*0.02)))
	}
	for _, d := range []backend.DType{backend.Q8, backend.Q4} {
		b.Run(d.String(), func(b *testing.B) {
			b.SetBytes(int64(len(t.Data)))
			b.ReportAllocs()
			g := newGatherer(Weight{Parts: []Part{{"w", rows}}, Cols: cols}, []*weights.Tensor{t}, d)
			for b.Loop() {
				for range g.blocks() {
				}
			}
		})
	}
}

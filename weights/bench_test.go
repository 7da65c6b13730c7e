package weights

import (
	"fmt"
	"testing"
)

// BenchmarkParse reads a header of 3,000 tensors, as large mixture-of-experts models have in a shard.
func BenchmarkParse(b *testing.B) {
	var tensors []Tensor
	for i := range 3000 {
		tensors = append(tensors, FromFloat32(fmt.Sprintf("model.layers.%d.mlp.experts.gate_proj.weight", i), []int{1, 2}, []float32{1, 2}))
	}
	data := encoded(b, tensors, nil)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse("bench", data); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkReadFloat32 converts a matrix of 4 Mi elements; its throughput is that of the stored bytes.
func BenchmarkReadFloat32(b *testing.B) {
	const elements = 1 << 22
	dst := make([]float32, elements)
	for _, d := range []DType{F32, BF16, F16, F8E4M3} {
		b.Run(d.String(), func(b *testing.B) {
			tensor := Tensor{Name: "w", DType: d, Shape: []int{elements}, Data: make([]byte, elements*d.Size())}
			for i := range tensor.Data {
				tensor.Data[i] = byte(i * 7)
			}
			b.SetBytes(int64(len(tensor.Data)))
			for b.Loop() {
				tensor.ReadFloat32(dst, 0)
			}
		})
	}
}

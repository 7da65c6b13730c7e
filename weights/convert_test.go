package weights

import (
	"encoding/binary"
	"math"
	"slices"
	"testing"

	"github.com/x448/float16"
)

// same tells whether two floats are one, with all NaN equal and the zeros distinct.
func same(a, b float32) bool {
	return math.Float32bits(a) == math.Float32bits(b) || a != a && b != b
}

// Ensure that every dtype becomes the floats it stands for.
func TestFloat32sOfEveryDType(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	negZero := float32(math.Copysign(0, -1))
	for _, test := range []struct {
		dtype DType
		data  []byte
		want  []float32
	}{
		{F64, le64(0x3ff8000000000000, 0x7ff0000000000000, 0x8000000000000000), []float32{1.5, inf, negZero}},
		{F32, le32(0x3fc00000, 0xff800000, 0x7fc00000, 1), []float32{1.5, -inf, nan, math.SmallestNonzeroFloat32}},
		{F16, le16(0x3e00, 0x7bff, 0x0001, 0xfc00, 0x7e00, 0x8000), []float32{1.5, 65504, 0x1p-24, -inf, nan, negZero}},
		{BF16, le16(0x3fc0, 0x7f7f, 0x0001, 0xff80, 0x7fc0), []float32{1.5, 0x1.fep127, 0x1p-133, -inf, nan}},
		{F8E4M3, []byte{0x00, 0x80, 0x38, 0x3c, 0x7e, 0xfe, 0x01, 0x07, 0x08, 0x7f, 0xff},
			[]float32{0, negZero, 1, 1.5, 448, -448, 0x1p-9, 7 * 0x1p-9, 0x1p-6, nan, nan}},
		{F8E5M2, []byte{0x00, 0x80, 0x3c, 0x3e, 0x7b, 0x01, 0x03, 0x04, 0x7c, 0xfc, 0x7d, 0x7f},
			[]float32{0, negZero, 1, 1.5, 57344, 0x1p-16, 3 * 0x1p-16, 0x1p-14, inf, -inf, nan, nan}},
		{F8E8M0, []byte{0, 126, 127, 128, 254, 255}, []float32{0x1p-127, 0.5, 1, 2, 0x1p127, nan}},
		{I64, le64(1<<63, 7), []float32{-0x1p63, 7}},
		{I32, le32(0xffffffff, 7), []float32{-1, 7}},
		{I16, le16(0xffff, 7), []float32{-1, 7}},
		{I8, []byte{0xff, 7}, []float32{-1, 7}},
		{U64, le64(1<<63, 7), []float32{0x1p63, 7}},
		{U32, le32(0xffffffff, 7), []float32{0x1p32, 7}},
		{U16, le16(0xffff, 7), []float32{65535, 7}},
		{U8, []byte{0xff, 7}, []float32{255, 7}},
		{Bool, []byte{0, 1, 2}, []float32{0, 1, 1}},
	} {
		tensor := Tensor{DType: test.dtype, Shape: []int{len(test.want)}, Data: test.data}
		if got := tensor.Float32s(); !slices.EqualFunc(got, test.want, same) {
			t.Errorf("%s: %v, want %v", test.dtype, got, test.want)
		}
	}
}

// Ensure that every 16-bit pattern survives widening and narrowing, and that the 8-bit floats are what they are among them.
func TestHalvesAreExact(t *testing.T) {
	for bits := range 1 << 16 {
		data := le16(uint16(bits))
		half := (&Tensor{DType: F16, Shape: []int{1}, Data: data}).Float32s()[0]
		if back := float16.Fromfloat32(half); half == half && back.Bits() != uint16(bits) {
			t.Fatalf("f16 %#04x became %v, which is %#04x", bits, half, back.Bits())
		}
		brain := (&Tensor{DType: BF16, Shape: []int{1}, Data: data}).Float32s()[0]
		if back := math.Float32bits(brain) >> 16; brain == brain && back != uint32(bits) {
			t.Fatalf("bf16 %#04x became %v, which is %#04x", bits, brain, back)
		}
	}
	for bits := 1; bits < 0x7f; bits++ {
		if !(e4m3[bits] > e4m3[bits-1]) || e4m3[bits|0x80] != -e4m3[bits] {
			t.Errorf("e4m3 %#02x is %v", bits, e4m3[bits])
		}
	}
}

// Ensure that reading in pieces gives what reading at once does, and no more than there is.
func TestReadFloat32InPieces(t *testing.T) {
	values := []float32{0, 1, 2, 3, 4, 5, 6}
	tensor := FromFloat32("w", []int{7}, values)
	var got []float32
	buffer := make([]float32, 3)
	for n := tensor.ReadFloat32(buffer, 0); n > 0; n = tensor.ReadFloat32(buffer, len(got)) {
		got = append(got, buffer[:n]...)
	}
	if !slices.Equal(got, values) {
		t.Errorf("read %v", got)
	}
	for _, from := range []int{-1, 7, 8, math.MaxInt} {
		if n := tensor.ReadFloat32(buffer, from); n != 0 {
			t.Errorf("from %d: %d elements", from, n)
		}
	}
	if allocs := testing.AllocsPerRun(10, func() { tensor.ReadFloat32(buffer, 0) }); allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}

// Ensure that integers are exact and that what is none, or does not fit, is refused.
func TestInt64s(t *testing.T) {
	want := []int64{math.MinInt64, -1, 0, math.MaxInt64}
	tensor := FromInt64("ids", []int{2, 2}, want)
	if got, err := tensor.Int64s(); err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v", got, err)
	}
	for _, tensor := range []Tensor{
		FromFloat32("ids", []int{1}, []float32{1}),
		{Name: "ids", DType: U64, Shape: []int{1}, Data: le64(1 << 63)},
		{Name: "ids"},
	} {
		_, err := tensor.Int64s()
		if err == nil {
			t.Fatalf("%s: no error", &tensor)
		}
		checkMessage(t, err, `tensor "ids"`)
	}
}

// Ensure that chunks are whole elements, in order, and are all of the tensor.
func TestChunksCoverTheTensor(t *testing.T) {
	tensor := FromInt64("w", []int{5}, []int64{1, 2, 3, 4, 5})
	for size, pieces := range map[int]int{-1: 5, 0: 5, 7: 5, 8: 5, 17: 3, 40: 1, 1000: 1, math.MaxInt: 1} {
		var all []byte
		n := 0
		for offset, piece := range tensor.Chunks(size) {
			if offset != len(all) || len(piece)%8 != 0 {
				t.Errorf("size %d: %d bytes at %d, want them at %d", size, len(piece), offset, len(all))
			}
			all = append(all, piece...)
			n++
		}
		if n != pieces || !slices.Equal(all, tensor.Data) {
			t.Errorf("size %d: %d pieces of %d bytes in all", size, n, len(all))
		}
	}
	for range tensor.Chunks(8) {
		break
	}
	empty := FromFloat32("empty", []int{0}, nil)
	for range empty.Chunks(8) {
		t.Error("a piece of nothing")
	}
}

func le16(values ...uint16) (data []byte) {
	for _, v := range values {
		data = binary.LittleEndian.AppendUint16(data, v)
	}
	return data
}

func le32(values ...uint32) (data []byte) {
	for _, v := range values {
		data = binary.LittleEndian.AppendUint32(data, v)
	}
	return data
}

func le64(values ...uint64) (data []byte) {
	for _, v := range values {
		data = binary.LittleEndian.AppendUint64(data, v)
	}
	return data
}

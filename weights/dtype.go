package weights

// DType is how an element is stored; the zero DType is none. Names are those of the safetensors header.
type DType uint8

// The dtypes of checkpoints, little-endian where they have more than one byte.
const (
	F64 DType = iota + 1
	F32
	F16
	BF16   // the upper half of an F32
	F8E4M3 // "F8_E4M3": OCP e4m3fn, largest 448, no infinities, 0x7f and 0xff are NaN
	F8E5M2 // "F8_E5M2": OCP e5m2, the upper half of an F16
	F8E8M0 // "F8_E8M0": OCP e8m0, 2 to the byte less 127, 0xff is NaN; of scales
	I64
	I32
	I16
	I8
	U64
	U32
	U16
	U8
	Bool // "BOOL": one byte, 0 or 1
)

// dtypes is indexed by DType.
var dtypes = [...]struct {
	name string
	size int // bytes
}{
	{"no dtype", 0},
	{"F64", 8}, {"F32", 4}, {"F16", 2}, {"BF16", 2}, {"F8_E4M3", 1}, {"F8_E5M2", 1}, {"F8_E8M0", 1},
	{"I64", 8}, {"I32", 4}, {"I16", 2}, {"I8", 1},
	{"U64", 8}, {"U32", 4}, {"U16", 2}, {"U8", 1},
	{"BOOL", 1},
}

// dtypeNamed finds a dtype by the header's name for it.
func dtypeNamed(name string) (DType, bool) {
	for d := F64; d <= Bool; d++ {
		if dtypes[d].name == name {
			return d, true
		}
	}
	return 0, false
}

// String is the header's name of the dtype, such as "BF16" or "F8_E4M3".
func (d DType) String() string {
	if d > Bool {
		d = 0
	}
	return dtypes[d].name
}

// Size is the number of bytes of an element; 0 for the zero DType and for values outside the list.
func (d DType) Size() int {
	if d > Bool {
		return 0
	}
	return dtypes[d].size
}

// Float tells whether elements are floating-point numbers.
func (d DType) Float() bool { return d >= F64 && d <= F8E8M0 }

// fp8 tells the 8-bit floats of weights.
func (d DType) fp8() bool { return d == F8E4M3 || d == F8E5M2 }

// table is the values of an 8-bit float by its bits.
func (d DType) table() *[256]float32 {
	switch d {
	case F8E4M3:
		return &e4m3
	case F8E5M2:
		return &e5m2
	}
	return &e8m0
}

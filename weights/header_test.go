package weights

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// one is the header of a single tensor of the given fields.
func one(fields string) string { return `{"w":{` + fields + `}}` }

// two is the header of two I8 tensors of the given data_offsets and sizes.
func two(offsetsA, sizeA, offsetsB, sizeB string) string {
	return `{"a":{"dtype":"I8","shape":[` + sizeA + `],"data_offsets":` + offsetsA + `},` +
		`"b":{"dtype":"I8","shape":[` + sizeB + `],"data_offsets":` + offsetsB + `}}`
}

var malformed = []struct {
	name string
	data []byte
	want error
	says string
}{
	{"empty file", nil, ErrTruncated, "0 bytes"},
	{"seven bytes", make([]byte, 7), ErrTruncated, "7 bytes"},
	{"header past the end", binary.LittleEndian.AppendUint64(nil, 100), ErrTruncated, "ends at byte 108"},
	{"header of 2^60 bytes", binary.LittleEndian.AppendUint64(nil, 1<<60), ErrHeaderTooLarge, "is this a safetensors file"},
	{"header of 2^64-1 bytes", binary.LittleEndian.AppendUint64(nil, 1<<64-1), ErrHeaderTooLarge, ""},
	{"header over the cap", binary.LittleEndian.AppendUint64(nil, maxHeader+1), ErrHeaderTooLarge, "100000001"},
	{"zip file", []byte("PK\x03\x04\x00\x00\x08\x08archive"), ErrHeaderTooLarge, ""},
	{"Git LFS pointer", []byte(lfsPointer + "v1\noid sha256:0\nsize 1\n"), ErrPointer, "git lfs pull"},

	{"no header", file(``, 0), ErrHeader, "{"},
	{"not JSON", file(`{"w":`, 0), ErrHeader, ""},
	{"trailing comma", file(`{"w":{"dtype":"I8","shape":[0],"data_offsets":[0,0]},}`, 0), ErrHeader, ""},
	{"two objects", file(`{}{}`, 0), ErrHeader, ""},
	{"array", file(`[]`, 0), ErrHeader, "begin with {"},
	{"leading space", file(` {}`, 0), ErrHeader, "begin with {"},
	{"zero padding", file("{}\x00\x00", 0), ErrHeader, ""},
	{"not UTF-8", file("{\"\xff\":{}}", 0), ErrHeader, "UTF-8"},
	{"deep nesting", file(`{"w":`+strings.Repeat("[", 20000), 0), ErrHeader, ""},
	{"entry is a number", file(`{"w":1}`, 0), ErrHeader, `tensor "w"`},
	{"entry is null", file(`{"w":null}`, 0), ErrHeader, `tensor "w"`},
	{"no dtype", file(one(`"shape":[4],"data_offsets":[0,4]`), 4), ErrHeader, "dtype"},
	{"no shape", file(one(`"dtype":"I8","data_offsets":[0,4]`), 4), ErrHeader, "shape"},
	{"no offsets", file(one(`"dtype":"I8","shape":[4]`), 4), ErrHeader, "data_offsets"},

	{"metadata is a list", file(`{"__metadata__":[]}`, 0), ErrMetadata, ""},
	{"metadata has a number", file(`{"__metadata__":{"a":1}}`, 0), ErrMetadata, `"a"`},
	{"metadata has a long number", file(`{"__metadata__":{"a":`+strings.Repeat("1", 1000)+`}}`, 0), ErrMetadata, `"a"`},
	{"metadata has null", file(`{"__metadata__":{"a":null}}`, 0), ErrMetadata, `"a"`},
	{"metadata nests", file(`{"__metadata__":{"a":{"b":"c"}}}`, 0), ErrMetadata, `"a"`},
	{"metadata repeats", file(`{"__metadata__":{"a":"","a":""}}`, 0), ErrMetadata, `"a"`},
	{"metadata is a tensor", file(`{"__metadata__":{"dtype":"I8","shape":[4],"data_offsets":[0,4]}}`, 4), ErrMetadata, "shape"},

	{"same tensor twice", file(`{"w":{"dtype":"I8","shape":[4],"data_offsets":[0,4]},"w":{"dtype":"I8","shape":[4],"data_offsets":[4,8]}}`, 8), ErrDuplicate, `"w"`},
	{"same name escaped", file(`{"w":{"dtype":"I8","shape":[4],"data_offsets":[0,4]},"\u0077":{"dtype":"I8","shape":[4],"data_offsets":[4,8]}}`, 8), ErrDuplicate, `"w"`},
	{"same field twice", file(one(`"dtype":"I8","dtype":"U8","shape":[4],"data_offsets":[0,4]`), 4), ErrDuplicate, `"dtype"`},
	{"metadata twice", file(`{"__metadata__":{},"__metadata__":{}}`, 0), ErrDuplicate, `"__metadata__"`},

	{"unknown dtype", file(one(`"dtype":"F4","shape":[4],"data_offsets":[0,2]`), 2), ErrDType, `"F4": convert`},
	{"lower case dtype", file(one(`"dtype":"i8","shape":[4],"data_offsets":[0,4]`), 4), ErrDType, `"i8"`},
	{"dtype is a number", file(one(`"dtype":8,"shape":[4],"data_offsets":[0,4]`), 4), ErrDType, "not a string"},
	{"the name of no dtype", file(one(`"dtype":"no dtype","shape":[4],"data_offsets":[0,0]`), 0), ErrDType, ""},

	{"negative shape", file(one(`"dtype":"I8","shape":[-4],"data_offsets":[0,4]`), 4), ErrShape, "[-4]"},
	{"minus zero", file(one(`"dtype":"I8","shape":[-0],"data_offsets":[0,0]`), 0), ErrShape, "[-0]"},
	{"fractional shape", file(one(`"dtype":"I8","shape":[1.5],"data_offsets":[0,4]`), 4), ErrShape, "[1.5]"},
	{"4.0 is no integer", file(one(`"dtype":"I8","shape":[4.0],"data_offsets":[0,4]`), 4), ErrShape, "[4.0]"},
	{"exponent", file(one(`"dtype":"I8","shape":[4e0],"data_offsets":[0,4]`), 4), ErrShape, "[4e0]"},
	{"NaN shape", file(one(`"dtype":"I8","shape":[NaN],"data_offsets":[0,4]`), 4), ErrHeader, ""},
	{"string shape", file(one(`"dtype":"I8","shape":["4"],"data_offsets":[0,4]`), 4), ErrShape, `["4"]`},
	{"shape is a number", file(one(`"dtype":"I8","shape":4,"data_offsets":[0,4]`), 4), ErrShape, "4: not a list"},
	{"shape is null", file(one(`"dtype":"I8","shape":null,"data_offsets":[0,4]`), 4), ErrShape, "null"},
	{"shape over int64", file(one(`"dtype":"I8","shape":[9223372036854775808],"data_offsets":[0,4]`), 4), ErrShape, "9223372036854775808"},
	{"product overflows", file(one(`"dtype":"I8","shape":[4294967296,4294967296],"data_offsets":[0,0]`), 0), ErrShape, "addressed"},
	{"product wraps to fit", file(one(`"dtype":"I64","shape":[2305843009213693953],"data_offsets":[0,8]`), 8), ErrShape, "addressed"},
	{"long hostile shape", file(one(`"dtype":"I8","shape":[`+strings.Repeat("1,", 5000)+`2],"data_offsets":[0,1]`), 1), ErrSize, "5001 dimensions"},

	{"offsets reversed", file(one(`"dtype":"I8","shape":[4],"data_offsets":[4,0]`), 4), ErrOffsets, "[4 0]"},
	{"one offset", file(one(`"dtype":"I8","shape":[4],"data_offsets":[4]`), 4), ErrOffsets, "[4]"},
	{"three offsets", file(one(`"dtype":"I8","shape":[4],"data_offsets":[0,4,4]`), 4), ErrOffsets, "[0,4,4]"},
	{"negative offset", file(one(`"dtype":"I8","shape":[4],"data_offsets":[-4,0]`), 4), ErrOffsets, "[-4,0]"},
	{"offset over int64", file(one(`"dtype":"I8","shape":[4],"data_offsets":[0,18446744073709551616]`), 4), ErrOffsets, ""},

	{"too few bytes for the shape", file(one(`"dtype":"F32","shape":[4],"data_offsets":[0,4]`), 4), ErrSize, "needs 16 bytes, there are 4"},
	{"scalar of two elements", file(one(`"dtype":"I8","shape":[],"data_offsets":[0,2]`), 2), ErrSize, "needs 1 bytes"},
	{"bytes for an empty shape", file(one(`"dtype":"I8","shape":[0],"data_offsets":[0,2]`), 2), ErrSize, "needs 0 bytes"},
	{"past the end", file(one(`"dtype":"I8","shape":[4],"data_offsets":[0,4]`), 3), ErrPastEnd, "4 of 3"},
	{"huge offsets past the end", file(one(`"dtype":"I8","shape":[1],"data_offsets":[9223372036854775806,9223372036854775807]`), 4), ErrPastEnd, ""},
	{"overlap", file(two("[0,4]", "4", "[3,8]", "5"), 8), ErrOverlap, `"a"`},
	{"same bytes", file(two("[0,4]", "4", "[0,4]", "4"), 4), ErrOverlap, `"b"`},
	{"nothing inside another", file(two("[0,4]", "4", "[2,2]", "0"), 4), ErrOverlap, `"b"`},
	{"hole between", file(two("[0,4]", "4", "[5,8]", "3"), 8), ErrHole, `"b"`},
	{"hole before", file(one(`"dtype":"I8","shape":[3],"data_offsets":[1,4]`), 4), ErrHole, "the header"},
	{"trailing bytes", file(one(`"dtype":"I8","shape":[4],"data_offsets":[0,4]`), 5), ErrHole, "1 bytes follow"},
	{"bytes of no tensor", file(`{}`, 1), ErrHole, "the header"},
}

// fileErrors are the errors that a single file can have.
var fileErrors = []error{ErrTruncated, ErrHeaderTooLarge, ErrPointer, ErrHeader, ErrMetadata, ErrDuplicate, ErrDType, ErrShape,
	ErrOffsets, ErrSize, ErrPastEnd, ErrOverlap, ErrHole}

// Ensure that each fault has its own error, from memory and mapped alike, and that it names the file.
func TestMalformedFilesAreRefused(t *testing.T) {
	for _, test := range malformed {
		t.Run(test.name, func(t *testing.T) {
			_, err := Parse("x.safetensors", test.data)
			for _, kind := range fileErrors {
				if errors.Is(err, kind) != (kind == test.want) {
					t.Fatalf("error %v: is it %q? want %q", err, kind, test.want)
				}
			}
			checkMessage(t, err, "x.safetensors: ", test.says)

			path := write(t, filepath.Join(t.TempDir(), "x.safetensors"), test.data)
			if _, err := OpenFile(path); !errors.Is(err, test.want) {
				t.Errorf("mapped: %v", err)
			}
		})
	}
}

// Ensure that what the reference takes is taken.
func TestUnusualFilesAreRead(t *testing.T) {
	for name, data := range map[string][]byte{
		"no tensor":            file(`{}`, 0),
		"padding":              file(`{}      `, 0),
		"null metadata":        file(`{"__metadata__":null}`, 0),
		"unknown field":        file(one(`"dtype":"I8","note":{"a":[1]},"shape":[4],"data_offsets":[0,4]`), 4),
		"any order":            file(two("[4,8]", "4", "[0,4]", "4"), 8),
		"nothing between":      file(two("[0,4]", "4", "[4,4]", "0"), 4),
		"zero and large":       file(one(`"dtype":"I8","shape":[0,9223372036854775807],"data_offsets":[0,0]`), 0),
		"scalar":               file(one(`"dtype":"I8","shape":[],"data_offsets":[0,1]`), 1),
		"name with a new line": file(`{"a\nb":{"dtype":"I8","shape":[1],"data_offsets":[0,1]}}`, 1),
	} {
		if _, err := Parse(name, data); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Ensure that a name as long as a header cannot flood a terminal.
func TestErrorsStayShort(t *testing.T) {
	name := strings.Repeat("é\\n", 1<<18)
	_, err := Parse("x", file(`{"`+name+`":{"dtype":"`+name+`","shape":[1],"data_offsets":[0,1]}}`, 1))
	checkMessage(t, err, `tensor "é\né`)
}

// Ensure that a download that stopped anywhere is refused: generated, sharded and trained files.
func TestTruncationIsNoticedEverywhere(t *testing.T) {
	tests := map[string][]byte{"generated": encoded(t, sample(), map[string]string{"format": "pt"})}
	files, _ := fixtures(t)
	for _, path := range files {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		tests[path] = data
	}
	for path, data := range tests {
		whole, err := Parse(path, data)
		if err != nil {
			t.Fatal(err)
		}
		start := 8 + int(binary.LittleEndian.Uint64(data))
		cuts := []int{0, 1, 7, 8, 9, start / 2, start - 1, start, start + 1, len(data) / 2, len(data) - 1}
		end := start
		tensors := byOffset(t, path, data)
		for i, tensor := range tensors {
			end += len(tensor.Data)
			if i%(1+len(tensors)/20) == 0 {
				cuts = append(cuts, end-1, end, end+1)
			}
		}
		for _, cut := range slices.Compact(slices.Sorted(slices.Values(cuts))) {
			// Tensors without elements at the end leave nothing to be cut.
			if cut < 0 || cut >= len(data) {
				continue
			}
			_, err := Parse(path, data[:cut])
			if !errors.Is(err, ErrTruncated) && !errors.Is(err, ErrPastEnd) {
				t.Errorf("%s cut to %d of %d bytes: %v", path, cut, len(data), err)
			}
		}
		if whole.Bytes() != int64(len(data)-start) {
			t.Errorf("%s: %d bytes of tensors, want %d", path, whole.Bytes(), len(data)-start)
		}
	}
}

func byOffset(t *testing.T, path string, data []byte) []*Tensor {
	t.Helper()
	tensors, _, err := parse(path, data)
	if err != nil {
		t.Fatal(err)
	}
	return tensors
}

package weights

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// checkEqual fails unless a checkpoint has exactly these tensors.
func checkEqual(t *testing.T, c *Checkpoint, want []Tensor) {
	t.Helper()
	if len(c.Names()) != len(want) {
		t.Fatalf("tensors %q, want %d", c.Names(), len(want))
	}
	for _, w := range want {
		got, ok := c.Tensor(w.Name)
		if !ok || got.DType != w.DType || !slices.Equal(got.Shape, w.Shape) || !bytes.Equal(got.Data, w.Data) {
			t.Errorf("%s came back as %v", &w, got)
		}
	}
}

// Ensure that what is written is read again, bit for bit, aligned, and with its metadata.
func TestWriteRoundTrip(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.safetensors")
	metadata := map[string]string{"format": "pt", "note": "<é>\n\u2028"}
	if err := Write(path, sample(), metadata); err != nil {
		t.Fatal(err)
	}
	c, err := OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	checkEqual(t, c, sample())
	if !maps.Equal(c.Metadata(), metadata) {
		t.Errorf("metadata %q", c.Metadata())
	}

	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := len(data)
	tensors := byOffset(t, path, data)
	for i := len(tensors) - 1; i >= 0; i-- {
		at -= len(tensors[i].Data)
		if at%tensors[i].DType.Size() != 0 {
			t.Errorf("%s begins at byte %d", tensors[i], at)
		}
	}
	if at%8 != 0 || data[8] != '{' {
		t.Errorf("the data begin at byte %d, the header with %q", at, data[8])
	}
}

// Ensure that files of other writers, read and written again, hold the same tensors.
func TestFixturesRoundTrip(t *testing.T) {
	files, _ := fixtures(t)
	dir := t.TempDir()
	files = append(files, write(t, filepath.Join(dir, "generated"), encoded(t, sample(), nil)))
	for _, path := range files {
		c, err := OpenFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var tensors []Tensor
		for _, name := range c.Names() {
			tensor, _ := c.Tensor(name)
			tensors = append(tensors, *tensor)
		}
		back, err := Parse(path, encoded(t, tensors, c.Metadata()))
		if err != nil {
			t.Fatal(err)
		}
		checkEqual(t, back, tensors)
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
}

// Ensure that no tensor at all, and floats of every kind, can be written, over an older file too.
func TestWriteReplaces(t *testing.T) {
	path := write(t, filepath.Join(t.TempDir(), "out"), []byte("older"))
	if err := Write(path, nil, nil); err != nil {
		t.Fatal(err)
	}
	c, err := OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	checkEqual(t, c, nil)
	c.Close()

	values := []float32{0, float32(math.Inf(-1)), float32(math.NaN()), math.MaxFloat32}
	logits := FromFloat32("logits", []int{2, 2}, values)
	if err := Write(path, []Tensor{logits}, nil); err != nil {
		t.Fatal(err)
	}
	c, err = OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	got, ok := c.Tensor("logits")
	if !ok || !slices.EqualFunc(got.Float32s(), values, same) {
		t.Errorf("logits %v", got)
	}
}

// Ensure that what readers would refuse is not written, and that nothing is left of the attempt.
func TestWriteRefuses(t *testing.T) {
	good := FromFloat32("w", []int{1}, []float32{1})
	for name, test := range map[string]struct {
		tensors  []Tensor
		metadata map[string]string
		want     error
	}{
		"same name twice":    {[]Tensor{good, good}, nil, ErrDuplicate},
		"reserved name":      {[]Tensor{FromFloat32("__metadata__", nil, []float32{1})}, nil, ErrName},
		"name not UTF-8":     {[]Tensor{FromFloat32("\xff", nil, []float32{1})}, nil, ErrName},
		"no dtype":           {[]Tensor{{Name: "w"}}, nil, ErrDType},
		"dtype out of range": {[]Tensor{{Name: "w", DType: 99}}, nil, ErrDType},
		"too few values":     {[]Tensor{FromFloat32("w", []int{2, 3}, make([]float32, 5))}, nil, ErrSize},
		"too many values":    {[]Tensor{FromInt64("w", nil, make([]int64, 2))}, nil, ErrSize},
		"negative dimension": {[]Tensor{FromInt64("w", []int{-1, -1}, make([]int64, 1))}, nil, ErrShape},
		"dimensions wrap":    {[]Tensor{FromInt64("w", []int{1 << 30, 1 << 30, 1 << 30}, nil)}, nil, ErrShape},
		"metadata not UTF-8": {[]Tensor{good}, map[string]string{"a": "\xff"}, ErrMetadata},
		"header too large":   {[]Tensor{good}, map[string]string{"a": strings.Repeat("a", maxHeader)}, ErrHeaderTooLarge},
	} {
		path := filepath.Join(t.TempDir(), "out.safetensors")
		err := Write(path, test.tensors, test.metadata)
		if !errors.Is(err, test.want) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		checkMessage(t, err, "out.safetensors: ")
		checkOnly(t, filepath.Dir(path))
	}
}

// Ensure that a tensor that is written in pieces is the one that is written at once, and that what goes wrong leaves
// nothing behind: too few bytes, too many, an error of the one who fills, a path that is found wrong before that.
func TestWriteFrom(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "out")
	want := FromFloat32("logits", []int{2, 3}, []float32{1, 2, 3, 4, 5, 6})
	empty := Tensor{Name: "logits", DType: F32, Shape: []int{2, 3}}
	fill := func(pieces ...[]byte) func(*Tensor, io.Writer) error {
		return func(_ *Tensor, w io.Writer) error {
			for _, p := range pieces {
				if _, err := w.Write(p); err != nil {
					return err
				}
			}
			return nil
		}
	}
	if err := WriteFrom(path, []Tensor{empty}, nil, fill(want.Data[:5], want.Data[5:])); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, encoded(t, []Tensor{want}, nil)) {
		t.Errorf("%q, %v", got, err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	errOwn := errors.New("own")
	for name, c := range map[string]struct {
		path string
		fill func(*Tensor, io.Writer) error
		want error
	}{
		"too few":    {path, fill(want.Data[1:]), ErrSize},
		"too many":   {path, fill(want.Data, want.Data), ErrSize},
		"own error":  {path, func(*Tensor, io.Writer) error { return errOwn }, errOwn},
		"wrong path": {filepath.Join(dir, "gone", "out"), func(*Tensor, io.Writer) error { panic("called") }, os.ErrNotExist},
	} {
		if err := WriteFrom(c.path, []Tensor{empty}, nil, c.fill); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
		checkOnly(t, dir)
	}
}

// Ensure that a path that cannot be written is named, and that a folder in its place is left alone.
func TestWriteToWrongPaths(t *testing.T) {
	dir := t.TempDir()
	if err := Write(filepath.Join(dir, "gone", "out"), nil, nil); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	sub := filepath.Join(dir, "sub")
	if err := os.Mkdir(sub, 0o777); err != nil {
		t.Fatal(err)
	}
	err := Write(sub, nil, nil)
	if err == nil {
		t.Fatal("a folder was replaced")
	}
	checkMessage(t, err, sub, "not written")
	checkOnly(t, dir, "sub")
}

// checkOnly fails unless a folder has exactly these files.
func checkOnly(t *testing.T, dir string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if !slices.Equal(got, names) {
		t.Errorf("the folder has %q, want %q", got, names)
	}
}

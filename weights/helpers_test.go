package weights

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// file is a safetensors file with this header as it stands and a body of size bytes 0, 1, 2, ...
func file(header string, size int) []byte {
	data := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	data = append(data, header...)
	for i := range size {
		data = append(data, byte(i))
	}
	return data
}

// encoded is the file that Write would write.
func encoded(t testing.TB, tensors []Tensor, metadata map[string]string) []byte {
	t.Helper()
	data, ordered, err := encodeHeader(tensors, metadata)
	if err != nil {
		t.Fatal(err)
	}
	for i := range ordered {
		data = append(data, ordered[i].Data...)
	}
	return data
}

// sample has a tensor of every dtype, a scalar and one without elements.
func sample() []Tensor {
	var tensors []Tensor
	for d := F64; d <= Bool; d++ {
		data := make([]byte, 6*d.Size())
		for i := range data {
			data[i] = byte(i % 2)
		}
		tensors = append(tensors, Tensor{Name: "layer." + d.String(), DType: d, Shape: []int{2, 3}, Data: data})
	}
	return append(tensors,
		FromFloat32("scalar <&> \u2028 \"é\"", nil, []float32{1.5}),
		FromInt64("empty", []int{3, 0, 2}, nil),
		FromFloat32("", []int{1}, []float32{-2}))
}

// fixtures are the safetensors files of the shared folder or of testdata, and the folders that are checkpoints. Neither
// folder need be there: every test that calls this tests generated files too.
func fixtures(t *testing.T) (files, folders []string) {
	t.Helper()
	for _, root := range []string{"../../shared/golden", "../../shared/models", "../testdata"} {
		if _, err := os.Stat(root); err != nil {
			continue
		}
		err := filepath.WalkDir(root, func(path string, e os.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case strings.HasSuffix(path, ".safetensors"):
				files = append(files, path)
			}
			if e.Name() == SingleName || e.Name() == IndexName {
				folders = append(folders, filepath.Dir(path))
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return files, folders
}

// write makes a file for a test.
func write(t testing.TB, path string, data []byte) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

// checkMessage fails unless an error is one line of a readable length that holds all of parts.
func checkMessage(t *testing.T, err error, parts ...string) {
	t.Helper()
	text := err.Error()
	if strings.ContainsAny(text, "\n\r") || len(text) > 600 {
		t.Errorf("the error is not one line: %q", text)
	}
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("the error %q does not say %q", text, part)
		}
	}
}

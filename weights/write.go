package weights

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"unicode/utf8"

	"github.com/lrun/lrun/internal/files"
)

// Write stores tensors in a new safetensors file at path, with metadata as its `__metadata__` when there is any. A file
// that was there is replaced at once and only when all went well; after an error it is as before and nothing is left
// behind. Tensors may lie in a mapping of the file that is replaced, save on Windows, which refuses that. The errors are
// ErrDuplicate, ErrName, ErrDType, ErrShape, ErrSize, ErrHeaderTooLarge and those of the file system.
func Write(path string, tensors []Tensor, metadata map[string]string) error {
	for i := range tensors {
		t := &tensors[i]
		if err := checkSize(t.DType, t.Shape, len(t.Data)); err != nil {
			return fmt.Errorf("%s: tensor %s: %w", path, quote(t.Name), err)
		}
	}
	return WriteFrom(path, tensors, metadata, func(t *Tensor, w io.Writer) error {
		_, err := w.Write(t.Data)
		return err
	})
}

// WriteFrom is Write of tensors whose elements, in place of Data, fill writes as it makes them, one tensor after another in
// the order of the file: they need not fit memory. The new file is begun before fill is called, so that a path that cannot
// be written is known at once. An error of fill is returned as it is; other than Elements()·DType.Size() bytes give ErrSize.
func WriteFrom(path string, tensors []Tensor, metadata map[string]string, fill func(t *Tensor, w io.Writer) error) error {
	header, tensors, err := encodeHeader(tensors, metadata)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	size := len(header)
	for i := range tensors {
		bytes, _ := byteSize(tensors[i].DType, tensors[i].Shape) // the header has been made of it
		size += bytes
	}
	var failed error
	err = files.Replace(path, func(w io.Writer) error {
		if _, err := w.Write(header); err != nil {
			return err
		}
		for i := range tensors {
			t, filled := &tensors[i], counter{Writer: w}
			if err := fill(t, &filled); err != nil {
				if filled.err == nil {
					failed = err
				}
				return err
			}
			if err := checkSize(t.DType, t.Shape, filled.bytes); err != nil {
				return fmt.Errorf("tensor %s: %w", quote(t.Name), err)
			}
		}
		return nil
	})
	switch {
	case err == nil:
		return nil
	case failed != nil:
		return failed
	}
	return fmt.Errorf("%w (not written; it needs %d bytes)", files.Error(path, err), size)
}

// counter counts what is written, and keeps the error that writing ends in.
type counter struct {
	io.Writer
	bytes int
	err   error
}

func (c *counter) Write(p []byte) (n int, err error) {
	n, c.err = c.Writer.Write(p)
	c.bytes += n
	return n, c.err
}

// encodeHeader makes the length, the JSON and its padding to a multiple of 8 bytes, and gives the tensors in the order in
// which their bytes must follow: the reference's, widest elements first and then by name, which keeps all aligned.
func encodeHeader(tensors []Tensor, metadata map[string]string) ([]byte, []Tensor, error) {
	if err := checkWritable(tensors, metadata); err != nil {
		return nil, nil, err
	}
	tensors = slices.Clone(tensors)
	slices.SortFunc(tensors, func(a, b Tensor) int {
		return cmp.Or(cmp.Compare(b.DType.Size(), a.DType.Size()), cmp.Compare(a.Name, b.Name))
	})

	var out bytes.Buffer
	out.Write(make([]byte, 8)) // the length, once known
	out.WriteByte('{')
	field := func(name string, value any) {
		if out.Len() > 9 {
			out.WriteByte(',')
		}
		writeJSON(&out, name)
		out.WriteByte(':')
		writeJSON(&out, value)
	}
	if len(metadata) > 0 {
		field("__metadata__", metadata)
	}
	offset := 0
	for _, t := range tensors {
		size, err := byteSize(t.DType, t.Shape)
		if err != nil {
			return nil, nil, fmt.Errorf("tensor %s: %w", quote(t.Name), err)
		}
		field(t.Name, struct {
			DType   string `json:"dtype"`
			Shape   []int  `json:"shape"`
			Offsets [2]int `json:"data_offsets"`
		}{t.DType.String(), append([]int{}, t.Shape...), [2]int{offset, offset + size}})
		offset += size
	}
	out.WriteByte('}')
	for out.Len()%8 != 0 {
		out.WriteByte(' ')
	}
	if n := out.Len() - 8; n > maxHeader {
		return nil, nil, fmt.Errorf("%w: %d bytes, readers take at most %d", ErrHeaderTooLarge, n, maxHeader)
	}
	binary.LittleEndian.PutUint64(out.Bytes(), uint64(out.Len()-8))
	return out.Bytes(), tensors, nil
}

// writeJSON appends a value that is known to be encodable, without the line end and the HTML escapes of encoding/json.
func writeJSON(out *bytes.Buffer, value any) {
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(value); err == nil {
		out.Truncate(out.Len() - 1)
	}
}

func checkWritable(tensors []Tensor, metadata map[string]string) error {
	seen := map[string]bool{}
	for i := range tensors {
		t := &tensors[i]
		var err error
		switch {
		case !utf8.ValidString(t.Name):
			err = fmt.Errorf("%w: it is not UTF-8", ErrName)
		case t.Name == "__metadata__":
			err = fmt.Errorf("%w: it is reserved", ErrName)
		case seen[t.Name]:
			err = ErrDuplicate
		}
		if err != nil {
			return fmt.Errorf("tensor %s: %w", quote(t.Name), err)
		}
		seen[t.Name] = true
	}
	for _, key := range slices.Sorted(maps.Keys(metadata)) {
		if !utf8.ValidString(key) || !utf8.ValidString(metadata[key]) {
			return fmt.Errorf("%w: %s and its value must be UTF-8", ErrMetadata, quote(key))
		}
	}
	return nil
}

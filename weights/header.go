package weights

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"
)

// maxHeader is the reference's cap on the header, in bytes.
const maxHeader = 100_000_000

// lfsPointer starts every Git LFS pointer file.
const lfsPointer = "version https://git-lfs.github.com/spec/"

const (
	tryAgain    = "download the file again"
	lfsRemedy   = "run `git lfs pull` in its folder, or download the file itself"
	dtypeRemedy = "convert the checkpoint to F32, F16 or BF16"
)

// parse reads a safetensors file: 8 bytes with the header's length n, n bytes of JSON, then the tensors' bytes. The
// tensors come in the order of their bytes and are slices of data; file names it in tensors and errors.
func parse(file string, data []byte) (tensors []*Tensor, metadata map[string]string, err error) {
	header, body, err := splitHeader(data)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", file, err)
	}
	entries, metadata, err := parseHeader(header)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", file, err)
	}
	if err := checkLayout(entries, len(body)); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", file, err)
	}
	tensors = make([]*Tensor, len(entries))
	for i, e := range entries {
		tensors[i] = &Tensor{
			Name: e.name, DType: e.dtype, Shape: e.shape, File: file,
			Data: body[e.begin:e.end:e.end],
		}
	}
	return tensors, metadata, nil
}

// splitHeader finds the JSON and the bytes of the tensors.
func splitHeader(data []byte) (header, body []byte, err error) {
	if bytes.HasPrefix(data, []byte(lfsPointer)) {
		return nil, nil, fmt.Errorf("%w: %s", ErrPointer, lfsRemedy)
	}
	if len(data) < 8 {
		return nil, nil, fmt.Errorf("%w: %d bytes, a safetensors file has 8 or more: %s", ErrTruncated, len(data), tryAgain)
	}
	n := binary.LittleEndian.Uint64(data)
	if n > maxHeader {
		return nil, nil, fmt.Errorf("%w: %d bytes, at most %d are allowed: is this a safetensors file?", ErrHeaderTooLarge, n, maxHeader)
	}
	if n > uint64(len(data)-8) {
		return nil, nil, fmt.Errorf("%w: its header ends at byte %d, the file at %d: %s", ErrTruncated, n+8, len(data), tryAgain)
	}
	return data[8 : 8+n], data[8+n:], nil
}

// entry is a tensor in the header; its bytes are body[begin:end].
type entry struct {
	name       string
	dtype      DType
	shape      []int
	begin, end int
}

// parseHeader reads {"name": {"dtype": d, "shape": [n...], "data_offsets": [begin, end]}, ..., "__metadata__": {...}}.
// Other fields of a tensor are ignored, as the reference does.
func parseHeader(header []byte) (entries []entry, metadata map[string]string, err error) {
	if !utf8.Valid(header) {
		return nil, nil, fmt.Errorf("%w: it is not UTF-8", ErrHeader)
	}
	if len(header) == 0 || header[0] != '{' {
		return nil, nil, fmt.Errorf("%w: it does not begin with {", ErrHeader)
	}
	err = eachField(header, func(name string, dec *json.Decoder) error {
		if name == "__metadata__" {
			metadata, err = parseMetadata(dec)
			return err
		}
		e, err := parseEntry(dec)
		if err != nil {
			return fmt.Errorf("tensor %s: %w", quote(name), err)
		}
		e.name = name
		entries = append(entries, e)
		return nil
	})
	if syntax := (*syntaxError)(nil); errors.As(err, &syntax) {
		return nil, nil, fmt.Errorf("%w: %w", ErrHeader, err)
	}
	return entries, metadata, err
}

func parseEntry(dec *json.Decoder) (entry, error) {
	var raw json.RawMessage
	if err := dec.Decode(&raw); err != nil {
		return entry{}, &syntaxError{err}
	}
	if raw[0] != '{' {
		return entry{}, fmt.Errorf("%w: its entry is not an object", ErrHeader)
	}
	var e entry
	fields := 0
	err := eachField(raw, func(name string, dec *json.Decoder) error {
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return &syntaxError{err}
		}
		var err error
		switch name {
		case "dtype":
			e.dtype, err = parseDType(value)
		case "shape":
			e.shape, err = parseShape(value)
		case "data_offsets":
			e.begin, e.end, err = parseOffsets(value)
		default:
			return nil
		}
		fields++
		return err
	})
	if err == nil && fields < 3 {
		err = fmt.Errorf("%w: its entry needs dtype, shape and data_offsets", ErrHeader)
	}
	if err == nil {
		err = checkSize(e.dtype, e.shape, e.end-e.begin)
	}
	return e, err
}

func parseDType(value json.RawMessage) (DType, error) {
	var name string
	if err := json.Unmarshal(value, &name); err != nil {
		return 0, fmt.Errorf("%w %s: not a string", ErrDType, clip(value))
	}
	d, ok := dtypeNamed(name)
	if !ok {
		return 0, fmt.Errorf("%w %s: %s", ErrDType, quote(name), dtypeRemedy)
	}
	return d, nil
}

func parseShape(value json.RawMessage) ([]int, error) {
	shape, ok := parseInts(value)
	if !ok {
		return nil, fmt.Errorf("%w %s: not a list of whole numbers from 0 to %d", ErrShape, clip(value), math.MaxInt)
	}
	return shape, nil
}

func parseOffsets(value json.RawMessage) (begin, end int, err error) {
	pair, ok := parseInts(value)
	if !ok || len(pair) != 2 {
		return 0, 0, fmt.Errorf("%w %s: not a pair of whole numbers", ErrOffsets, clip(value))
	}
	if pair[0] > pair[1] {
		return 0, 0, fmt.Errorf("%w [%d %d]: the end is before the begin", ErrOffsets, pair[0], pair[1])
	}
	return pair[0], pair[1], nil
}

// parseInts takes only what is written as a whole number: 2.0, 2e0 and -0 are not, as in the reference.
func parseInts(value json.RawMessage) ([]int, bool) {
	var literals []json.RawMessage
	if err := json.Unmarshal(value, &literals); err != nil || literals == nil {
		return nil, false
	}
	ints := make([]int, len(literals))
	for i, literal := range literals {
		n, err := strconv.ParseUint(string(literal), 10, strconv.IntSize-1)
		if err != nil {
			return nil, false
		}
		ints[i] = int(n)
	}
	return ints, true
}

// parseMetadata reads a map from strings to strings; null is an absent one, as in the reference.
func parseMetadata(dec *json.Decoder) (map[string]string, error) {
	var raw json.RawMessage
	if err := dec.Decode(&raw); err != nil {
		return nil, &syntaxError{err}
	}
	if string(raw) == "null" {
		return nil, nil
	}
	metadata, err := stringMap(raw)
	if err != nil {
		return nil, fmt.Errorf("%w: %v", ErrMetadata, err)
	}
	return metadata, nil
}

// checkLayout sorts the entries by their bytes and checks that these follow each other without overlap or hole from 0 to
// the end of a body of size bytes.
func checkLayout(entries []entry, size int) error {
	slices.SortFunc(entries, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.begin, b.begin), cmp.Compare(a.end, b.end), cmp.Compare(a.name, b.name))
	})
	end, last := 0, "the header"
	for _, e := range entries {
		name := "tensor " + quote(e.name)
		switch {
		case e.end > size:
			return fmt.Errorf("%s: %w: it ends at %d of %d data bytes: %s", name, ErrPastEnd, e.end, size, tryAgain)
		case e.begin < end:
			return fmt.Errorf("%s: %w: it begins at %d, %s ends at %d", name, ErrOverlap, e.begin, last, end)
		case e.begin > end:
			return fmt.Errorf("%s: %w: it begins at %d, %s ends at %d", name, ErrHole, e.begin, last, end)
		}
		end, last = e.end, name
	}
	if end < size {
		return fmt.Errorf("%w: %d bytes follow %s", ErrHole, size-end, last)
	}
	return nil
}

package weights

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/lrun/lrun/internal/files"
)

// code is how a matrix of numbers is packed into the tensors of a checkpoint. It may be read from any goroutine.
type code interface {
	// decode puts columns col, col+1, … of a row into dst.
	decode(dst []float32, row, col int)
	// String is the code in a listing: "int4 in groups of 128".
	String() string
}

// coded is a quantised weight as it is presented: one tensor, under the name that models ask for.
type coded struct {
	name  string
	shape []int // columns last
	dtype DType // the narrowest of F16, BF16 and F32 that lose no more than the format's own software does
	code  code
}

// method reads the quantised weight that a tensor of the checkpoint marks, or returns nil where it marks none. The tensors
// tell what is quantised: modules that the config excludes have plain ones.
type method func(m *module) (*coded, error)

// methods are the readers by quant_method.
var methods = map[string]method{
	"gptq":               readGPTQ,
	"awq":                readAWQ,
	"fp8":                readFP8,
	"fbgemm_fp8":         readFP8,
	"compressed-tensors": readCompressed,
	"mxfp4":              readMXFP4,
	RowsMethod:           readRows,
}

// module finds the tensors that make one quantised weight.
type module struct {
	*quantConfig
	*Tensor // the one that may mark it
	from    *Checkpoint
	parts   []*Tensor // all that it is made of
}

// part is a tensor that the weight needs.
func (m *module) part(name string) (*Tensor, error) {
	t := m.option(name)
	if t == nil {
		return nil, fmt.Errorf("%s: tensor %s: %w: there is no %s beside it: download the whole checkpoint again",
			m.File, quote(m.Name), ErrQuantised, quote(name))
	}
	return t, nil
}

// option is a tensor that the weight may have, or nil.
func (m *module) option(name string) *Tensor {
	t := m.from.tensors[name]
	if t != nil {
		m.parts = append(m.parts, t)
	}
	return t
}

// matrix is a part of this dtype with two dimensions, neither of them 0.
func (m *module) matrix(name string, dtypes ...DType) (*Tensor, error) {
	t, err := m.part(name)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(dtypes, t.DType) {
		return nil, m.wrong(t, "it is %s, want %s", t.DType, dtypes[0])
	}
	if len(t.Shape) != 2 || t.Elements() == 0 {
		return nil, m.wrong(t, "its shape is %s, want two dimensions above 0", quoteShape(t.Shape))
	}
	return t, nil
}

// wrong is the error of a part.
func (m *module) wrong(t *Tensor, format string, args ...any) error {
	return fmt.Errorf("%s: tensor %s: %w: %s (quant_method %s)", t.File, quote(t.Name), ErrQuantised, fmt.Sprintf(format, args...), m.Method)
}

// dequantise presents the quantised weights that the folder's config.json declares, if it does.
func (d folder) dequantise(c *Checkpoint) error {
	data, err := readRegular(d.FS, ConfigName)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return files.Error(d.path(ConfigName), err)
	}
	q, err := parseQuantConfig(d.path(ConfigName), data)
	if err != nil {
		return err
	}
	if q == nil {
		return c.checkPlain(d.path(ConfigName))
	}
	return c.present(q)
}

// checkPlain refuses tensors that are quantised without a config that says how.
func (c *Checkpoint) checkPlain(config string) error {
	for _, name := range slices.Sorted(maps.Keys(c.tensors)) {
		t := c.tensors[name]
		packed := strings.HasSuffix(name, ".qweight") || strings.HasSuffix(name, ".weight_packed") ||
			strings.HasSuffix(name, rowsSuffix) && c.tensors[strings.TrimSuffix(name, rowsSuffix)+shapeSuffix] != nil
		if packed || t.DType.fp8() && (c.tensors[name+"_scale"] != nil || c.tensors[name+"_scale_inv"] != nil) {
			return fmt.Errorf("%s: tensor %s: %w: %s has no quantization_config: take the checkpoint's own config.json",
				t.File, quote(name), ErrQuantised, config)
		}
	}
	return nil
}

// present puts each quantised weight in place of the tensors that it is made of.
func (c *Checkpoint) present(q *quantConfig) error {
	var made []*Tensor
	taken := map[*Tensor]bool{}
	codes := map[string]int{}
	for _, name := range slices.Sorted(maps.Keys(c.tensors)) {
		m := &module{quantConfig: q, Tensor: c.tensors[name], from: c}
		w, err := methods[q.Method](m)
		if err != nil {
			return err
		}
		if w == nil {
			continue
		}
		t := &Tensor{Name: w.name, DType: w.dtype, Shape: w.shape, File: m.File, code: w.code}
		t.parts = append(m.parts, m.Tensor)
		for _, p := range t.parts {
			if !taken[p] {
				t.bytes += len(p.Data)
			}
			taken[p] = true
		}
		made = append(made, t)
		codes[w.code.String()]++
	}
	for t := range taken {
		delete(c.tensors, t.Name)
		c.hidden = append(c.hidden, t)
	}
	for _, t := range made {
		if c.tensors[t.Name] != nil {
			return fmt.Errorf("%s: tensor %s: %w: it is there quantised too", t.File, quote(t.Name), ErrDuplicate)
		}
		c.tensors[t.Name] = t
	}
	c.quantised = q.summary(codes)
	return nil
}

// Quantised says how the weights are stored where they are quantised, such as "gptq: int4 in groups of 128", else "".
func (c *Checkpoint) Quantised() string { return c.quantised }

// Packed tells whether the tensor is decoded from a quantised one as it is read: Data is nil then, the shape [out][in] also
// where the plain weight would be stored the other way round, and DType what to keep its elements in.
func (t *Tensor) Packed() bool { return t.code != nil }

// Bytes is the size as stored, that of all its parts where it is packed.
func (t *Tensor) Bytes() int { return len(t.Data) + t.bytes }

// tile is how many columns of several rows are decoded before the next: formats that store columns together are read
// without a miss of the cache for each number.
const tile = 64

// decode is ReadFloat32 of a packed tensor; dst lies in it.
func (t *Tensor) decode(dst []float32, from int) {
	cols := t.Shape[len(t.Shape)-1]
	for len(dst) > 0 {
		row, col := from/cols, from%cols
		n := min(cols-col, len(dst))
		if col > 0 || n < cols {
			t.code.decode(dst[:n], row, col)
		} else {
			rows := len(dst) / cols
			tiles(rows, cols, func(r, c, n int) { t.code.decode(dst[r*cols+c:][:n], row+r, c) })
			n = rows * cols
		}
		dst, from = dst[n:], from+n
	}
}

// tiles visits n columns from column c on of each row r, tile by tile.
func tiles(rows, cols int, visit func(r, c, n int)) {
	for c := 0; c < cols; c += tile {
		for r := range rows {
			visit(r, c, min(tile, cols-c))
		}
	}
}

// at is one element of a plain tensor.
func (t *Tensor) at(i int) float32 {
	var one [1]float32
	t.convert(one[:], i)
	return one[0]
}

// keeps is the dtype for weights that are codes times scales of a dtype.
func keeps(scales DType) DType {
	if scales == F16 || scales == BF16 {
		return scales
	}
	return F32
}

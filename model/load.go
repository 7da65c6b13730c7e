package model

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/weights"
)

// loader collects what a network needs of a checkpoint, checks all of it, makes room for it, and then uploads.
type loader struct {
	b    backend.Backend
	ckpt *weights.Checkpoint
	base string // prefix that the checkpoint may lack

	quant backend.DType // Q8 or Q4: how matrices are stored; else as the checkpoint has them

	jobs      []job
	made      map[string]**backend.Matrix // by the names of their tensors, for layers that share weights
	quantised map[string]*Stored          // of the tensors that are quantised, by their names
	err       error                       // the first tensor that is missing or wrong

	progress    func(done, total int64)
	done, total int64
	release     []func()
}

// job is one matrix or vector: its memory on the device, and what is stored there.
type job struct {
	name   string
	bytes  int64
	make   func() error
	upload func() error // nil: nothing
}

// fail keeps the first error.
func (l *loader) fail(format string, args ...any) {
	if l.err == nil {
		l.err = fmt.Errorf(format, args...)
	}
}

// find is the tensor of a name, which must hold floating-point numbers of the given shape or as many in another.
func (l *loader) find(name string, shape ...int) *weights.Tensor {
	t, ok := l.lookup(name)
	if !ok {
		t, ok = l.ckpt.Shaped(name, shape...)
	}
	if !ok {
		l.fail("missing tensor %s in %s", name, among(l.ckpt.Files()))
		return nil
	}
	if !t.DType.Float() {
		l.fail("%s: tensor %s is %s, want floating-point numbers", t.File, name, t.DType)
		return nil
	}
	if !sameShape(t.Shape, shape) {
		l.fail("%s: tensor %s has shape %v, want %v", t.File, name, t.Shape, shape)
		return nil
	}
	return t
}

// lookup is the tensor of a name, with or without the prefix.
func (l *loader) lookup(name string) (*weights.Tensor, bool) {
	if t, ok := l.ckpt.Tensor(name); ok {
		return t, true
	}
	return l.ckpt.Tensor(strings.TrimPrefix(name, l.base))
}

// among names the file, or how many there are beside the first.
func among(files []string) string {
	if len(files) > 1 {
		return fmt.Sprintf("%s and %d more files", files[0], len(files)-1)
	}
	return strings.Join(files, "")
}

// sameShape compares shapes, a vector matching any shape of as many elements (Cohere's [heads][headDim] norms); a matrix may be
// a convolution of one tap ([rows][cols][1]).
func sameShape(got, want []int) bool {
	if len(want) == 1 {
		n := 1
		for _, d := range got {
			n *= d
		}
		return n == want[0]
	}
	if len(got) == 3 && got[2] == 1 {
		got = got[:2]
	}
	return slices.Equal(got, want)
}

// matrix plans the upload of w into dst, quantised where that is wanted. A part of the matrix on the device holds a multiple of
// group rows. Layers that name the same tensors share one matrix.
func (l *loader) matrix(dst **backend.Matrix, w Weight, group int) {
	quant := l.quant
	if w.Blocks > 0 || w.Cols < backend.Group {
		quant = backend.F32
	}
	l.place(dst, w, group, quant)
}

// exact is matrix for weights that are never quantised: small, and much depends on them.
func (l *loader) exact(dst **backend.Matrix, w Weight, group int) {
	l.place(dst, w, group, backend.F32)
}

// place plans the upload of w into dst, as quant where that is a quantised type, else as the checkpoint has it.
func (l *loader) place(dst **backend.Matrix, w Weight, group int, quant backend.DType) {
	names := fmt.Sprint(w.Parts)
	if first, ok := l.made[names]; ok && w.Take == 0 {
		l.jobs = append(l.jobs, job{w.Parts[0].Name, 0, func() error {
			*dst = *first
			return nil
		}, nil})
		return
	}
	var parts []*weights.Tensor
	dtype := weights.DType(0)
	for _, p := range w.Parts {
		t := l.part(w, p, quant)
		if t == nil {
			return
		}
		parts = append(parts, t)
		if dtype != 0 && dtype != t.DType {
			dtype = weights.F32
		} else {
			dtype = t.DType
		}
	}
	if l.made == nil {
		l.made = map[string]**backend.Matrix{}
	}
	l.made[names] = dst
	stored := stored(dtype)
	if quant.Quantised() {
		stored = quant
		l.note(w, parts)
	}
	bytes := int64(w.Rows()) * int64(stored.RowBytes(w.Cols))
	if w.Blocks > 0 {
		group = w.Cols
	}
	l.jobs = append(l.jobs, job{w.Parts[0].Name, bytes, func() error {
		m, err := l.b.NewMatrix(stored, w.Rows(), w.Cols, group)
		if err != nil {
			return err
		}
		l.release = append(l.release, m.Release)
		*dst = m
		return nil
	}, func() error {
		return l.upload(*dst, w, parts)
	}})
}

// part is the tensor of a part of a weight that is to be stored as quant. Packed ones have the rows of the matrix also where
// plain ones are transposed.
func (l *loader) part(w Weight, p Part, quant backend.DType) *weights.Tensor {
	name := w.tensor(p, "weight")
	shape := []int{p.Rows, w.Cols}
	t, ok := l.lookup(name)
	packed := ok && t.Packed()
	switch {
	case packed && (w.Blocks > 0 || t.Rows(l.quant, 0, 0) != nil && !quant.Quantised()):
		l.fail("%s: tensor %s is quantised, but the model needs it as it was: quantise the original again", t.File, name)
	case packed:
	case w.Transposed:
		shape = []int{w.Cols, p.Rows}
	case w.Blocks > 0:
		shape = []int{p.Rows * w.Cols}
	}
	return l.find(name, shape...)
}

// stored is the type on the device: as in the checkpoint where kernels can read it, else f32.
func stored(d weights.DType) backend.DType {
	switch d {
	case weights.F16:
		return backend.F16
	case weights.BF16:
		return backend.BF16
	}
	return backend.F32
}

// advance reports progress.
func (l *loader) advance(bytes int64) {
	l.done += bytes
	if l.progress != nil {
		l.progress(l.done, l.total)
	}
}

// vector plans the upload of n values that are made from tensors already found.
func (l *loader) vector(dst *backend.Tensor, name string, n int, values func() []float32) {
	l.rows(dst, name, 1, n, values)
}

// rows is vector for a tensor of several rows, one after another.
func (l *loader) rows(dst *backend.Tensor, name string, rows, cols int, values func() []float32) {
	n := rows * cols
	l.jobs = append(l.jobs, job{name, int64(4 * n), func() (err error) {
		if *dst, err = l.b.NewTensor(rows, cols); err == nil {
			l.release = append(l.release, dst.Buf.Release)
		}
		return err
	}, func() error {
		words := make([]uint32, n)
		for i, v := range values() {
			words[i] = math.Float32bits(v)
		}
		l.advance(int64(4 * n))
		return l.b.Do(func(o backend.Ops) { o.Write(*dst, words) })
	}})
}

// table plans a tensor of numbers that stay f32, under its full name, changed where there is a change.
func (l *loader) table(dst *backend.Tensor, name string, rows, cols int, change func([]float32) []float32) {
	t := l.find(name, rows*cols)
	if t == nil {
		return
	}
	l.rows(dst, name, rows, cols, func() []float32 {
		if change == nil {
			return t.Float32s()
		}
		return change(t.Float32s())
	})
}

// linear plans a weight and its bias.
func (l *loader) linear(dst **backend.Matrix, bias *backend.Tensor, w Weight) {
	l.matrix(dst, w, 1)
	l.bias(bias, w)
}

// bias plans the biases of a weight, in the order of its rows.
func (l *loader) bias(dst *backend.Tensor, w Weight) {
	if !w.Bias {
		return
	}
	var parts []*weights.Tensor
	for _, p := range w.Parts {
		t := l.find(w.tensor(p, "bias"), p.Rows)
		if t == nil {
			return
		}
		parts = append(parts, t)
	}
	l.vector(dst, w.Parts[0].Name, w.Rows(), func() []float32 {
		var stacked []float32
		for _, t := range parts {
			stacked = append(stacked, t.Float32s()...)
		}
		if w.Order == nil {
			return stacked
		}
		ordered := make([]float32, w.Rows())
		for r := range ordered {
			ordered[r] = stacked[w.Order(r)]
		}
		return ordered
	})
}

// norm plans a norm over width channels; nil when there is none.
func (l *loader) norm(n Norm, width int) *backend.Norm {
	if n.Kind == NoNorm {
		return nil
	}
	dst := new(backend.Norm)
	l.normInto(dst, n, width)
	return dst
}

// normInto plans a norm whose parameters are in the tensor it names, or stacked from those of names.
func (l *loader) normInto(dst *backend.Norm, n Norm, width int, names ...string) {
	dst.RMS, dst.Eps = n.Kind == RMSNorm, float32(n.Eps)
	if n.Plain {
		return
	}
	if len(names) == 0 {
		names = []string{n.Name}
	}
	l.stack(&dst.Weight, names, ".weight", width, n.PlusOne)
	if n.Bias {
		l.stack(&dst.Bias, names, ".bias", width, false)
	}
}

// stack plans a vector of width values that several tensors hold in equal shares.
func (l *loader) stack(dst *backend.Tensor, names []string, suffix string, width int, plusOne bool) {
	widths := make([]int, len(names))
	full := make([]string, len(names))
	for i, name := range names {
		widths[i], full[i] = width/len(names), name+suffix
	}
	l.join(dst, full, widths, func(v []float32) {
		if plusOne {
			for i := range v {
				v[i]++
			}
		}
	})
}

// join plans a vector of the values of several tensors of some widths, under their full names, changed as change says.
func (l *loader) join(dst *backend.Tensor, names []string, widths []int, change func([]float32)) {
	var parts []*weights.Tensor
	width := 0
	for i, name := range names {
		t := l.find(name, widths[i])
		if t == nil {
			return
		}
		parts = append(parts, t)
		width += widths[i]
	}
	l.vector(dst, names[0], width, func() []float32 {
		var all []float32
		for _, t := range parts {
			all = append(all, t.Float32s()...)
		}
		change(all)
		return all
	})
}

// values plans a vector of numbers at hand.
func (l *loader) values(dst *backend.Tensor, name string, v []float32) {
	if v != nil {
		l.vector(dst, name, len(v), func() []float32 { return v })
	}
}

// make makes everything on the device, unless something was wrong with the checkpoint.
func (l *loader) make() error {
	if l.err != nil {
		return l.err
	}
	for _, j := range l.jobs {
		if err := j.make(); err != nil {
			return fmt.Errorf("room for %s: %w", j.name, err)
		}
		l.total += j.bytes
	}
	return nil
}

// run uploads everything.
func (l *loader) run() error {
	for _, j := range l.jobs {
		if j.upload == nil {
			continue
		}
		if err := j.upload(); err != nil {
			return fmt.Errorf("uploading %s: %w", j.name, err)
		}
	}
	return nil
}

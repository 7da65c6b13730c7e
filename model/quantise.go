package model

import (
	"fmt"
	"iter"

	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/weights"
)

// Quant is the type that matrices of a checkpoint are stored in on the device where want is asked for: that of the checkpoint,
// where it holds rows for a device already.
func Quant(ckpt *weights.Checkpoint, want backend.DType) (backend.DType, error) {
	has := ckpt.RowType()
	if !has.Quantised() {
		return want, nil
	}
	if want.Quantised() && want != has {
		return want, fmt.Errorf("the matrices are stored in %s, not in %s: leave the choice out, or quantise the original", has, want)
	}
	return has, nil
}

// Stored are the rows of a tensor as a device holds them quantised, in the checkpoint's order.
type Stored struct {
	Out, In int
	gather  *gatherer
}

// Bytes is what they take.
func (r *Stored) Bytes() int64 { return int64(r.Out) * int64(r.gather.rowBytes) }

// Blocks are the rows in pieces of some megabytes, each until the next.
func (r *Stored) Blocks() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for _, data := range r.gather.blocks() {
			if !yield(data) {
				return
			}
		}
	}
}

// Quantised are those that Load with Options.Quant makes of a checkpoint's tensors, by the names of these: they are all that
// it quantises.
func Quantised(s *Spec, ckpt *weights.Checkpoint, quant backend.DType) (map[string]*Stored, error) {
	if err := s.Learn(ckpt); err != nil {
		return nil, err
	}
	l := &loader{ckpt: ckpt, base: s.Base, quant: quant, quantised: map[string]*Stored{}}
	newNetwork(s, l)
	return l.quantised, l.err
}

// note keeps what becomes of the tensors of a weight that is quantised.
func (l *loader) note(w Weight, parts []*weights.Tensor) {
	if l.quantised == nil {
		return
	}
	for i, t := range parts {
		p := w.Parts[i]
		alone := Weight{Parts: []Part{p}, Cols: w.Cols, Transposed: w.Transposed}
		l.quantised[t.Name] = &Stored{p.Rows, w.Cols, newGatherer(alone, []*weights.Tensor{t}, l.quant)}
	}
}

// Decoded are the numbers of a packed tensor, as Load stores them where it does not quantise them, in pieces, each until the next.
func Decoded(t *weights.Tensor) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		d := stored(t.DType)
		row := make([]float32, t.Shape[len(t.Shape)-1])
		data := make([]byte, len(row)*d.Size())
		for first := 0; first < t.Elements(); first += len(row) {
			t.ReadFloat32(row, first)
			if encode(data, row, d); !yield(data) {
				return
			}
		}
	}
}

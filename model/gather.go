package model

import (
	"iter"
	"runtime"
	"sort"
	"sync"

	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/weights"
)

// staging is how many bytes of converted weights the host holds at a time.
const staging = 4 << 20

// upload writes the matrix in blocks of rows that fit the staging memory.
func (l *loader) upload(m *backend.Matrix, w Weight, parts []*weights.Tensor) error {
	for first, data := range newGatherer(w, parts, m.DType).blocks() {
		if err := l.b.WriteRows(m, first, data); err != nil {
			return err
		}
		l.advance(int64(len(data)))
	}
	return nil
}

// gatherer collects a matrix's rows from the tensors that hold them.
type gatherer struct {
	w        Weight
	parts    []*weights.Tensor
	ends     []int // of each part, in stacked rows
	dtype    backend.DType
	rowBytes int
}

func newGatherer(w Weight, parts []*weights.Tensor, dtype backend.DType) *gatherer {
	g := &gatherer{w: w, parts: parts, ends: make([]int, len(parts)), dtype: dtype, rowBytes: dtype.RowBytes(w.Cols)}
	end := 0
	for i, p := range w.Parts {
		end += p.Rows
		g.ends[i] = end
	}
	return g
}

// blocks are the matrix's rows in pieces that fit the staging memory, each until the next, with the number of its first row.
func (g *gatherer) blocks() iter.Seq2[int, []byte] {
	rows := g.w.Rows()
	block := min(rows, max(1, staging/g.rowBytes))
	buf := make([]byte, block*g.rowBytes)
	return func(yield func(int, []byte) bool) {
		for first := 0; first < rows; first += block {
			n := min(block, rows-first)
			data := g.direct(first, n)
			if data == nil {
				data = buf[:n*g.rowBytes]
				g.gather(data, first, n)
			}
			if !yield(first, data) {
				return
			}
			for _, t := range g.parts {
				t.Forget()
			}
		}
	}
}

// place is the part that holds row r of the matrix, and the row in it.
func (g *gatherer) place(r int) (part, row int) {
	if g.w.Order != nil {
		r = g.w.Order(r)
	}
	part = sort.SearchInts(g.ends, r+1)
	if part > 0 {
		r -= g.ends[part-1]
	}
	return part, r
}

// asStored reports whether the device holds the tensor's elements bit for bit as the file does.
func (g *gatherer) asStored(t *weights.Tensor) bool {
	return !g.dtype.Quantised() && stored(t.DType) == g.dtype && t.DType.Size() == g.dtype.Size()
}

// direct is the file's own memory for n rows, where it is what the device wants: one tensor, in order, without padding.
func (g *gatherer) direct(first, n int) []byte {
	t := g.parts[0]
	if len(g.parts) > 1 || g.w.Order != nil {
		return nil
	}
	if t.Packed() {
		return t.Rows(g.dtype, first, n)
	}
	if g.w.Transposed || g.w.Blocks > 0 || g.w.Cols%8 != 0 || !g.asStored(t) {
		return nil
	}
	return t.Data[first*g.rowBytes : (first+n)*g.rowBytes]
}

// gather fills data with n rows from row first on, on all cores.
func (g *gatherer) gather(data []byte, first, n int) {
	var workers sync.WaitGroup
	share := (n + runtime.GOMAXPROCS(0) - 1) / runtime.GOMAXPROCS(0)
	for from := 0; from < n; from += share {
		workers.Go(func() {
			row, packed := make([]float32, g.w.Cols), unpacker{}
			for i := from; i < min(from+share, n); i++ {
				g.fill(data[i*g.rowBytes:(i+1)*g.rowBytes], first+i, row, packed)
			}
		})
	}
	workers.Wait()
}

// fill fills dst with row r; row is room for its numbers, packed has those of packed tensors.
func (g *gatherer) fill(dst []byte, r int, row []float32, packed unpacker) {
	part, at := g.place(r)
	t := g.parts[part]
	switch stored := t.Rows(g.dtype, at, 1); {
	case stored != nil:
		copy(dst, stored)
	case g.dtype == backend.Q4 && packed.encodeCodes(dst, t, at):
	case t.Packed():
		g.encode(dst, packed.row(t, at))
	default:
		g.convert(dst, t, at, row)
	}
}

// convert fills dst with row r of a plain tensor.
func (g *gatherer) convert(dst []byte, t *weights.Tensor, r int, row []float32) {
	if first, stride := g.find(t, r); g.asStored(t) {
		g.copy(dst, t.Data, first, stride)
	} else {
		g.read(row, t, first, stride)
		g.encode(dst, row)
	}
}

// find is the element of t that row r of a part begins with, and how far the next one of the row is.
func (g *gatherer) find(t *weights.Tensor, r int) (first, stride int) {
	switch cols := g.w.Cols; {
	case g.w.Transposed:
		return r, t.Shape[1]
	case g.w.Blocks > 0: // rows and columns are as many, so that a block begins cols² after the one before
		return r/cols*cols*cols + r%cols, cols
	default:
		return r * cols, 1
	}
}

// copy copies a row as the file has it.
func (g *gatherer) copy(dst, src []byte, first, stride int) {
	size := g.dtype.Size()
	if stride == 1 {
		clear(dst[copy(dst, src[first*size:(first+g.w.Cols)*size]):])
		return
	}
	clear(dst)
	for k := range g.w.Cols {
		at := (first + k*stride) * size
		copy(dst[k*size:(k+1)*size], src[at:at+size])
	}
}

// read reads a row's numbers.
func (g *gatherer) read(row []float32, t *weights.Tensor, first, stride int) {
	if stride == 1 {
		t.ReadFloat32(row, first)
		return
	}
	for k := range row {
		t.ReadFloat32(row[k:k+1], first+k*stride)
	}
}

// encode stores a row as the device wants it.
func (g *gatherer) encode(dst []byte, row []float32) {
	switch g.dtype {
	case backend.Q8:
		backend.EncodeQ8(dst, row)
	case backend.Q4:
		backend.EncodeQ4(dst, row)
	default:
		clear(dst)
		encode(dst, row, g.dtype)
	}
}

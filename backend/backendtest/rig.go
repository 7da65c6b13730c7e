package backendtest

import (
	"context"
	"encoding/binary"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/x448/float16"

	"github.com/lrun/lrun/backend"
)

// rig makes operands on one backend, runs steps and collects results.
type rig struct {
	t       testing.TB
	b       backend.Backend
	rand    *rand.Rand
	release []func()
	results []result
}

// result is a tensor that a case computed.
type result struct {
	name  string
	rows  [][]float32
	exact bool    // ids: to be compared bit for bit
	codes bool    // int8 that were rounded
	floor float64 // the magnitude of what was subtracted to get small values
}

func newRig(t testing.TB, b backend.Backend, seed string) *rig {
	h := fnv.New64a()
	h.Write([]byte(seed))
	return &rig{t: t, b: b, rand: rand.New(rand.NewPCG(h.Sum64(), 1))}
}

// close gives all operands back.
func (r *rig) close() {
	if err := r.b.Sync(context.Background()); err != nil {
		r.t.Errorf("%s: sync: %v", r.b.Name(), err)
	}
	for _, release := range r.release {
		release()
	}
}

func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatalf("%s: %v", r.b.Name(), err)
	}
}

// do runs one step.
func (r *rig) do(record func(backend.Ops)) {
	r.t.Helper()
	r.must(r.b.Do(record))
}

// empty is a tensor of zeros.
func (r *rig) empty(rows, cols int) backend.Tensor {
	r.t.Helper()
	t, err := r.b.NewTensor(rows, cols)
	r.must(err)
	r.release = append(r.release, t.Buf.Release)
	return t
}

// words is a tensor with the given contents.
func (r *rig) words(rows, cols int, data []uint32) backend.Tensor {
	r.t.Helper()
	t := r.empty(rows, cols)
	if rows*cols > 0 {
		r.do(func(o backend.Ops) { o.Write(t, data) })
	}
	return t
}

// floats is a tensor with the given contents.
func (r *rig) floats(rows, cols int, data []float32) backend.Tensor {
	r.t.Helper()
	return r.words(rows, cols, floatBits(data))
}

// normal is a tensor of normally distributed values, scaled.
func (r *rig) normal(rows, cols int, scale float32) backend.Tensor {
	r.t.Helper()
	return r.floats(rows, cols, r.draw(rows*cols, scale))
}

// draw is n normally distributed values, scaled.
func (r *rig) draw(n int, scale float32) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(r.rand.NormFloat64()) * scale
	}
	return v
}

// below is n random words below limit.
func (r *rig) below(n, limit int) []uint32 {
	v := make([]uint32, n)
	for i := range v {
		v[i] = uint32(r.rand.IntN(limit))
	}
	return v
}

// matrix is a matrix of normally distributed values, scaled, its padding zero.
func (r *rig) matrix(d backend.DType, rows, cols, group int, scale float32) *backend.Matrix {
	r.t.Helper()
	m, err := r.b.NewMatrix(d, rows, cols, group)
	r.must(err)
	r.release = append(r.release, m.Release)
	data := make([]byte, 0, rows*m.RowBytes())
	for range rows {
		data = append(data, make([]byte, m.RowBytes())...)
		to, row := data[len(data)-m.RowBytes():], r.draw(cols, scale)
		switch d {
		case backend.Q8:
			backend.EncodeQ8(to, row)
		case backend.Q4:
			backend.EncodeQ4(to, row)
		default:
			encode(to[:0], d, row)
		}
	}
	r.must(r.b.WriteRows(m, 0, data))
	return m
}

// encode appends values as elements of d.
func encode(data []byte, d backend.DType, values []float32) []byte {
	for _, v := range values {
		switch d {
		case backend.F16:
			data = binary.LittleEndian.AppendUint16(data, float16.Fromfloat32(v).Bits())
		case backend.BF16:
			data = binary.LittleEndian.AppendUint16(data, uint16(math.Float32bits(v)>>16))
		default:
			data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
		}
	}
	return data
}

func floatBits(values []float32) []uint32 {
	words := make([]uint32, len(values))
	for i, v := range values {
		words[i] = math.Float32bits(v)
	}
	return words
}

// fetch is a tensor's words on the host.
func (r *rig) fetch(t backend.Tensor) []uint32 {
	r.t.Helper()
	n := t.Rows * t.Cols
	back, err := r.b.NewReadback(n * 4)
	r.must(err)
	defer back.Release()
	r.do(func(o backend.Ops) { o.Fetch(back, t) })
	data, err := back.Wait(context.Background())
	r.must(err)
	words := make([]uint32, n)
	for i := range words {
		words[i] = binary.LittleEndian.Uint32(data[4*i:])
	}
	return words
}

// show adds a tensor to the results.
func (r *rig) show(name string, t backend.Tensor) {
	r.t.Helper()
	words := r.fetch(t)
	out := result{name: name}
	for i := range t.Rows {
		row := make([]float32, t.Cols)
		for j := range row {
			row[j] = math.Float32frombits(words[i*t.Cols+j])
		}
		out.rows = append(out.rows, row)
	}
	r.results = append(r.results, out)
}

// showIDs adds a tensor of ids, which must agree exactly, to the results.
func (r *rig) showIDs(name string, t backend.Tensor) {
	r.t.Helper()
	r.show(name, t)
	r.results[len(r.results)-1].exact = true
}

package cpu

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/lrun/lrun/backend"
)

// cpu is the backend; ops runs its operations.
type cpu struct {
	mu         sync.Mutex // held by the step in Do
	ops        ops
	memory     atomic.Int64
	dispatches atomic.Int64
}

// Open makes a CPU backend. It cannot fail and holds nothing but the memory made on it.
func Open() backend.Backend {
	c := &cpu{}
	c.ops.cpu = c
	return c
}

func (c *cpu) Name() string { return "cpu" }
func (c *cpu) Adapter() string {
	return fmt.Sprintf("%s, %d cores", runtime.GOARCH, runtime.GOMAXPROCS(0))
}
func (c *cpu) Ahead() int        { return 0 }
func (c *cpu) MaxHeadDim() int   { return math.MaxInt32 }
func (c *cpu) Chunk() int        { return 256 }
func (c *cpu) Dispatches() int64 { return c.dispatches.Load() }
func (c *cpu) Memory() int64     { return c.memory.Load() }
func (c *cpu) Close() error      { return nil }

// Do runs the operations as record calls them.
func (c *cpu) Do(record func(backend.Ops)) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ops.err = nil
	record(&c.ops)
	return c.ops.err
}

// Sync has nothing to wait for.
func (c *cpu) Sync(ctx context.Context) error { return ctx.Err() }

func (c *cpu) NewTensor(rows, cols int) (backend.Tensor, error) {
	buf, err := c.newBuffer(rows, backend.Stride(cols), 4)
	if err != nil {
		return backend.Tensor{}, err
	}
	return backend.Tensor{Buf: buf, Rows: rows, Cols: cols, Stride: backend.Stride(cols)}, nil
}

func (c *cpu) NewMatrix(d backend.DType, rows, cols, group int) (*backend.Matrix, error) {
	if d == backend.U32 || d > backend.Q4 {
		return nil, fmt.Errorf("cpu: a matrix of %s", d)
	}
	buf, err := c.newBuffer(rows, d.RowBytes(cols), 1)
	if err != nil {
		return nil, err
	}
	return &backend.Matrix{DType: d, Rows: rows, Cols: cols, Parts: []backend.Part{{Buf: buf, Rows: rows}}}, nil
}

func (c *cpu) WriteRows(m *backend.Matrix, first int, data []byte) error {
	at := first * m.RowBytes()
	dst := words(m.Parts[0].Buf).bytes()
	if at < 0 || at+len(data) > len(dst) {
		return fmt.Errorf("cpu: %d bytes at row %d do not fit %s", len(data), first, m)
	}
	copy(dst[at:], data)
	return nil
}

func (c *cpu) NewKV(d backend.DType, pages, page, kvHeads, headDim int) (*backend.KV, error) {
	kv, err := c.NewKeys(d, pages, page, kvHeads, headDim)
	if err != nil {
		return nil, err
	}
	v, err := c.newBuffer(pages, kv.PageBytes(), 1)
	if err != nil {
		kv.Release()
		return nil, err
	}
	kv.V = v
	return kv, nil
}

func (c *cpu) NewKeys(d backend.DType, pages, page, kvHeads, headDim int) (*backend.KV, error) {
	if d != backend.F32 && d != backend.F16 && d != backend.Q8 || page < 1 {
		return nil, fmt.Errorf("cpu: a KV cache of %s in pages of %d tokens is not supported, choose F32, F16 or Q8 and at least 1", d, page)
	}
	kv := &backend.KV{DType: d, Page: page, KVHeads: kvHeads, HeadDim: headDim}
	k, err := c.newBuffer(pages, kv.PageBytes(), 1)
	if err != nil {
		return nil, err
	}
	kv.Pages, kv.K = pages, k
	return kv, nil
}

func (c *cpu) GrowKV(kv *backend.KV, pages int) error {
	make := c.NewKV
	if kv.V == nil {
		make = c.NewKeys
	}
	grown, err := make(kv.DType, pages, kv.Page, kv.KVHeads, kv.HeadDim)
	if err != nil {
		return err
	}
	copy(words(grown.K).words, words(kv.K).words)
	if kv.V != nil {
		copy(words(grown.V).words, words(kv.V).words)
	}
	kv.Release()
	*kv = *grown
	return nil
}

func (c *cpu) NewReadback(bytes int) (backend.Readback, error) {
	return &readback{data: make([]byte, 0, bytes)}, nil
}

// readback is filled by Fetch at once.
type readback struct{ data []byte }

func (r *readback) Wait(ctx context.Context) ([]byte, error) { return r.data, ctx.Err() }
func (r *readback) Release()                                 {}

package cpu

import (
	"context"
	"fmt"
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
	if rows < 0 || cols < 0 {
		return backend.Tensor{}, fmt.Errorf("cpu: a tensor of [%d][%d]", rows, cols)
	}
	stride := backend.Stride(cols)
	return backend.Tensor{Buf: c.newBuffer(rows * stride * 4), Rows: rows, Cols: cols, Stride: stride}, nil
}

func (c *cpu) NewMatrix(d backend.DType, rows, cols, group int) (*backend.Matrix, error) {
	if rows <= 0 || cols <= 0 || d == backend.U32 {
		return nil, fmt.Errorf("cpu: a matrix of %s[%d][%d]", d, rows, cols)
	}
	m := &backend.Matrix{DType: d, Rows: rows, Cols: cols}
	m.Parts = []backend.Part{{Buf: c.newBuffer(rows * m.RowBytes()), Rows: rows}}
	return m, nil
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
	if d != backend.F32 && d != backend.F16 {
		return nil, fmt.Errorf("cpu: a KV cache of %s is not supported, choose F32 or F16", d)
	}
	kv := &backend.KV{DType: d, Pages: pages, Page: page, KVHeads: kvHeads, HeadDim: headDim}
	kv.K = c.newBuffer(pages * kv.PageBytes())
	kv.V = c.newBuffer(pages * kv.PageBytes())
	return kv, nil
}

func (c *cpu) GrowKV(kv *backend.KV, pages int) error {
	for _, b := range []*backend.Buffer{&kv.K, &kv.V} {
		old := words(*b)
		grown := c.newBuffer(pages * kv.PageBytes())
		copy(grown.words, old.words)
		old.Release()
		*b = grown
	}
	kv.Pages = pages
	return nil
}

func (c *cpu) NewReadback(bytes int) (backend.Readback, error) {
	return &readback{data: make([]byte, 0, bytes)}, nil
}

// readback is filled by Fetch at once.
type readback struct{ data []byte }

func (r *readback) Wait(ctx context.Context) ([]byte, error) { return r.data, ctx.Err() }
func (r *readback) Release()                                 {}

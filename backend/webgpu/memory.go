//go:build cgo && !nogpu && ((linux && amd64) || (darwin && (amd64 || arm64)) || (windows && amd64))

package webgpu

import (
	"fmt"
	"math"
	"unsafe"

	"github.com/lrun/lrun/backend"
)

// NewTensor implements backend.Backend.
func (d *device) NewTensor(rows, cols int) (backend.Tensor, error) {
	t := backend.Tensor{Rows: rows, Cols: cols}
	_, err := size(rows, cols, 4*backend.RowAlign)
	if err == nil {
		t.Stride = backend.Stride(cols)
		t.Buf, err = d.makeBuffer(rows * t.Stride * 4)
	}
	if err != nil {
		return backend.Tensor{}, fmt.Errorf("tensor %s: %w", t, err)
	}
	return t, nil
}

// size is a · b · c, or an error where a or b is not positive or the product is beyond any machine.
func size(a, b, c int) (int, error) {
	if a < 1 || b < 1 {
		return 0, fmt.Errorf("needs at least one row and one column")
	}
	if a > math.MaxInt/b/c/2 {
		return 0, fmt.Errorf("is too large")
	}
	return a * b * c, nil
}

// makeBuffer makes a buffer that the caller owns.
func (d *device) makeBuffer(bytes int) (*buffer, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.enter(); err != nil {
		return nil, err
	}
	return d.newBuffer(bytes, &d.memory)
}

// NewMatrix implements backend.Backend. The parts are as even as group allows.
func (d *device) NewMatrix(t backend.DType, rows, cols, group int) (*backend.Matrix, error) {
	m := &backend.Matrix{DType: t, Rows: rows, Cols: cols}
	if t > backend.BF16 || group < 1 || rows%max(group, 1) != 0 {
		return nil, fmt.Errorf("matrix %s in groups of %d rows: want F32, F16 or BF16 and whole groups", m, group)
	}
	if _, err := size(rows, cols, 64); err != nil {
		return nil, fmt.Errorf("matrix %s: %w", m, err)
	}
	most := d.bindingLimit / m.RowBytes() / group * group
	if most == 0 {
		return nil, fmt.Errorf("matrix %s: %d rows that belong together need %s in one binding; the adapter allows %s",
			m, group, mib(group*m.RowBytes()), mib(d.bindingLimit))
	}
	parts := (rows + most - 1) / most
	each := (rows/group + parts - 1) / parts * group
	for first := 0; first < rows; first += each {
		p := backend.Part{First: first, Rows: min(each, rows-first)}
		b, err := d.makeBuffer(p.Rows * m.RowBytes())
		if err != nil {
			m.Release()
			return nil, fmt.Errorf("matrix %s: rows %d to %d: %w", m, first, first+p.Rows, err)
		}
		p.Buf = b
		m.Parts = append(m.Parts, p)
	}
	return m, nil
}

// piece is the number of bytes that are written at once: each write is copied by wgpu first.
const piece = 16 << 20

// WriteRows implements backend.Backend.
func (d *device) WriteRows(m *backend.Matrix, first int, data []byte) error {
	stored := m.RowBytes()
	rows := len(data) / stored
	if len(data)%stored != 0 || first < 0 || first+rows > m.Rows {
		return fmt.Errorf("write of %d bytes to matrix %s from row %d: want whole rows of %d bytes within it",
			len(data), m, first, stored)
	}
	for _, p := range m.Parts {
		from, to := max(first, p.First), min(first+rows, p.First+p.Rows)
		if from >= to {
			continue
		}
		err := d.writeBuffer(p.Buf, (from-p.First)*stored, data[(from-first)*stored:(to-first)*stored])
		if err != nil {
			return fmt.Errorf("write to matrix %s: %w", m, err)
		}
	}
	return nil
}

// writeBuffer stores data, piece by piece.
func (d *device) writeBuffer(to backend.Buffer, offset int, data []byte) error {
	b, ok := to.(*buffer)
	if !ok || b.dev != d {
		return errForeign
	}
	for len(data) > 0 {
		n := min(len(data), piece)
		if err := d.writePiece(b, offset, data[:n]); err != nil {
			return err
		}
		offset, data = offset+n, data[n:]
	}
	return nil
}

func (d *device) writePiece(b *buffer, offset int, data []byte) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.enter(); err != nil {
		return err
	}
	if b.dead.Load() {
		return errReleased
	}
	if err := d.write(b.handle, offset, unsafe.Pointer(&data[0]), len(data)); err != nil {
		return err
	}
	return d.sendWrites()
}

// NewKV implements backend.Backend.
func (d *device) NewKV(t backend.DType, pages, page, kvHeads, headDim int) (*backend.KV, error) {
	kv := &backend.KV{DType: t, Page: page, KVHeads: kvHeads, HeadDim: headDim}
	if cacheFormat(t) < 0 || page < 16 || page > 64 || page&(page-1) != 0 || kvHeads < 1 || headDim < 1 {
		return nil, fmt.Errorf("KV cache of %s, %d heads of %d and pages of %d tokens: want F32, F16 or Q8, and 16, 32 or 64",
			t, kvHeads, headDim, page)
	}
	k, v, err := d.kvBuffers(kv, pages)
	if err != nil {
		return nil, err
	}
	kv.Pages, kv.K, kv.V = pages, k, v
	return kv, nil
}

// kvBuffers makes the two buffers of a cache with so many pages.
func (d *device) kvBuffers(kv *backend.KV, pages int) (k, v *buffer, err error) {
	bytes, err := size(pages, kv.PageBytes(), 1)
	if err == nil {
		k, err = d.makeBuffer(bytes)
	}
	if err == nil {
		if v, err = d.makeBuffer(bytes); err != nil {
			k.Release()
		}
	}
	if err != nil {
		return nil, nil, fmt.Errorf("KV cache of %d pages of %d tokens: %w", pages, kv.Page, err)
	}
	return k, v, nil
}

// GrowKV implements backend.Backend. The contents are copied on the device.
func (d *device) GrowKV(kv *backend.KV, pages int) error {
	oldK, okK := kv.K.(*buffer)
	oldV, okV := kv.V.(*buffer)
	if !okK || !okV || oldK.dev != d || oldV.dev != d {
		return fmt.Errorf("growing a KV cache: %w", errForeign)
	}
	if pages <= kv.Pages {
		return fmt.Errorf("growing a KV cache of %d pages to %d", kv.Pages, pages)
	}
	k, v, err := d.kvBuffers(kv, pages)
	if err != nil {
		return err
	}
	if err := d.copyBuffers([]*buffer{oldK, oldV}, []*buffer{k, v}, kv.Pages*kv.PageBytes()); err != nil {
		k.Release()
		v.Release()
		return fmt.Errorf("growing a KV cache: %w", err)
	}
	kv.Pages, kv.K, kv.V = pages, k, v
	oldK.Release()
	oldV.Release()
	return nil
}

// copyBuffers submits copies of the first bytes of each buffer to its counterpart.
func (d *device) copyBuffers(from, to []*buffer, bytes int) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.enter(); err != nil {
		return err
	}
	commands := make([]command, len(from))
	for i := range from {
		if from[i].dead.Load() {
			return errReleased
		}
		commands[i] = copyCommand(from[i].handle, 0, to[i].handle, 0, bytes)
	}
	return d.submit(commands)
}

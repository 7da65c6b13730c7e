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
	if weightFormat(t) < 0 || group < 1 || rows%max(group, 1) != 0 {
		return nil, fmt.Errorf("matrix %s in groups of %d rows: want F32, F16, BF16, Q8 or Q4 and whole groups", m, group)
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
	return d.newKV(t, pages, page, kvHeads, headDim, true)
}

// NewKeys implements backend.Backend.
func (d *device) NewKeys(t backend.DType, pages, page, kvHeads, headDim int) (*backend.KV, error) {
	return d.newKV(t, pages, page, kvHeads, headDim, false)
}

func (d *device) newKV(t backend.DType, pages, page, kvHeads, headDim int, values bool) (*backend.KV, error) {
	kv := &backend.KV{DType: t, Page: page, KVHeads: kvHeads, HeadDim: headDim}
	if cacheFormat(t) < 0 || page < 1 || kvHeads < 1 || headDim < 1 {
		return nil, fmt.Errorf("KV cache of %s, %d heads of %d and pages of %d tokens: want F32, F16 or Q8, and at least one each",
			t, kvHeads, headDim, page)
	}
	if err := d.kvBuffers(kv, pages, values); err != nil {
		return nil, err
	}
	return kv, nil
}

// kvBuffers makes the buffers of a cache with so many pages, one for values if they are wanted.
func (d *device) kvBuffers(kv *backend.KV, pages int, values bool) error {
	bytes, err := size(pages, kv.PageBytes(), 1)
	var k *buffer
	if err == nil {
		k, err = d.makeBuffer(bytes)
	}
	if err == nil && values {
		var v *buffer
		if v, err = d.makeBuffer(bytes); err != nil {
			k.Release()
		} else {
			kv.V = v
		}
	}
	if err != nil {
		return fmt.Errorf("KV cache of %d pages of %d tokens: %w", pages, kv.Page, err)
	}
	kv.Pages, kv.K = pages, k
	return nil
}

// GrowKV implements backend.Backend. The contents are copied on the device.
func (d *device) GrowKV(kv *backend.KV, pages int) error {
	if pages <= kv.Pages {
		return fmt.Errorf("growing a KV cache of %d pages to %d", kv.Pages, pages)
	}
	grown := *kv
	if err := d.kvBuffers(&grown, pages, kv.V != nil); err != nil {
		return err
	}
	err := d.copyBuffer(kv.K, grown.K, kv.Pages*kv.PageBytes())
	if err == nil && kv.V != nil {
		err = d.copyBuffer(kv.V, grown.V, kv.Pages*kv.PageBytes())
	}
	if err != nil {
		grown.Release()
		return fmt.Errorf("growing a KV cache: %w", err)
	}
	kv.Release()
	*kv = grown
	return nil
}

// copyBuffer submits a copy of the first bytes of a buffer to another.
func (d *device) copyBuffer(from, to backend.Buffer, bytes int) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.enter(); err != nil {
		return err
	}
	f, ok := from.(*buffer)
	if !ok || f.dev != d {
		return errForeign
	}
	if f.dead.Load() {
		return errReleased
	}
	return d.submit([]command{copyCommand(f.handle, 0, to.(*buffer).handle, 0, bytes)})
}

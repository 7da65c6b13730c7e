//go:build cgo && !nogpu && ((linux && amd64) || (darwin && (amd64 || arm64)) || (windows && amd64))

package webgpu

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/lrun/lrun/backend"
)

// Ensure that a matrix beyond the binding limit is split between groups of rows, and that rows written in any pieces
// arrive where they belong.
func TestMatrixSplitsByRows(t *testing.T) {
	d := ownDevice(t, Options{BindingLimit: 4096})
	for _, c := range []struct{ rows, cols, group, parts int }{
		{10, 64, 1, 1}, {100, 64, 1, 4}, {100, 60, 2, 4}, {96, 64, 24, 4}, {7, 1000, 1, 4}, {32, 64, 32, 1},
	} {
		m, err := d.NewMatrix(backend.BF16, c.rows, c.cols, c.group)
		if err != nil {
			t.Fatal(err)
		}
		if len(m.Parts) != c.parts {
			t.Errorf("%s: %d parts, want %d", m, len(m.Parts), c.parts)
		}
		next := 0
		for _, p := range m.Parts {
			if p.First != next || p.Rows%c.group != 0 || p.Buf.Bytes() > 4096 {
				t.Errorf("%s: part of %d rows from %d in %d bytes", m, p.Rows, p.First, p.Buf.Bytes())
			}
			next += p.Rows
		}
		if next != c.rows {
			t.Errorf("%s: the parts hold %d rows", m, next)
		}
		checkRows(t, d, m)
		m.Release()
	}
	if d.Memory() != 0 {
		t.Errorf("%d bytes are still counted", d.Memory())
	}
}

// checkRows writes the matrix in runs of three rows and reads the parts back.
func checkRows(t *testing.T, d *device, m *backend.Matrix) {
	t.Helper()
	n := m.RowBytes()
	data := make([]byte, m.Rows*n)
	for i := range data {
		data[i] = byte(i*7 + i/256)
	}
	for row := 0; row < m.Rows; row += 3 {
		if err := d.WriteRows(m, row, data[row*n:min(row+3, m.Rows)*n]); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range m.Parts {
		words := p.Buf.Bytes() / 4
		flat := backend.Tensor{Buf: p.Buf, Rows: 1, Cols: words, Stride: words}
		r := readbackOf(t, d, p.Buf.Bytes())
		do(t, d, func(s *step) { s.Fetch(r, flat) })
		got, err := r.Wait(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != string(data[p.First*n:(p.First+p.Rows)*n]) {
			t.Errorf("%s: rows from %d differ", m, p.First)
		}
		r.Release()
	}
}

// Ensure that more data than a write batch holds goes through, and that the copies are submitted on the way.
func TestLargeWrites(t *testing.T) {
	if testing.Short() {
		t.Skip("writes 100 MiB")
	}
	d := testDevice(t)
	m, err := d.NewMatrix(backend.F32, 25000, 1024, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Release()
	data := make([]byte, 25000*4096)
	for i := 0; i < len(data); i += 4096 {
		data[i] = byte(i / 4096)
	}
	before := d.submitted
	if err := d.WriteRows(m, 0, data); err != nil {
		t.Fatal(err)
	}
	if n := d.submitted - before; n < 2 || d.unsent > 64<<20 {
		t.Errorf("%d submissions, %d bytes unsent", n, d.unsent)
	}
	r := readbackOf(t, d, 4)
	for _, row := range []int{0, 12345, 24999} {
		word := backend.Tensor{Buf: m.Parts[0].Buf, Rows: 1, Cols: 1, Stride: 1024, First: row}
		do(t, d, func(s *step) { s.Fetch(r, word) })
		equal(t, "row", words(t, r), []uint32{uint32(byte(row))})
	}
}

// Ensure that a grown cache keeps its pages and is zero beyond them.
func TestGrowKV(t *testing.T) {
	d := testDevice(t)
	kv, err := d.NewKV(backend.F16, 2, 16, 3, 20)
	if err != nil {
		t.Fatal(err)
	}
	defer kv.Release()
	n := 2 * kv.PageBytes() / 4
	if got := kv.K.Bytes(); got != 4*n {
		t.Errorf("keys have %d bytes, want %d", got, 4*n)
	}
	flat := func(b backend.Buffer, words int) backend.Tensor {
		return backend.Tensor{Buf: b, Rows: 1, Cols: words, Stride: words}
	}
	do(t, d, func(s *step) {
		s.Write(flat(kv.K, n), upFrom(n, 1))
		s.Write(flat(kv.V, n), upFrom(n, 5))
	})
	if err := d.GrowKV(kv, 5); err != nil {
		t.Fatal(err)
	}
	wide := 5 * kv.PageBytes() / 4
	zeros := make([]uint32, wide-n)
	equal(t, "keys", contents(t, d, flat(kv.K, wide)), append(upFrom(n, 1), zeros...))
	equal(t, "values", contents(t, d, flat(kv.V, wide)), append(upFrom(n, 5), zeros...))
	if err := d.GrowKV(kv, 5); err == nil {
		t.Error("a cache grew by nothing")
	}
}

// Ensure that what is too large, too odd or too much is refused in words that help.
func TestMemoryErrors(t *testing.T) {
	d := ownDevice(t, Options{BindingLimit: 1 << 20, MemoryLimit: 3 << 20})
	for _, c := range []struct {
		want string
		make func() error
	}{
		{"tensor [1000][1000]: needs 3.9 MiB in one binding; the adapter allows 1.0 MiB",
			func() error { _, err := d.NewTensor(1000, 1000); return err }},
		{"tensor [0][3]: ", func() error { _, err := d.NewTensor(0, 3); return err }},
		{"is too large", func() error { _, err := d.NewTensor(1<<40, 1<<40); return err }},
		{"KV cache of 100 pages of 32 tokens: needs 12.5 MiB in one binding; the adapter allows 1.0 MiB",
			func() error { _, err := d.NewKV(backend.F32, 100, 32, 8, 128); return err }},
		{"pages of 0 tokens", func() error { _, err := d.NewKV(backend.F32, 1, 0, 8, 128); return err }},
		{"matrix F32[10][100000]: 5 rows that belong together need 1.9 MiB",
			func() error { _, err := d.NewMatrix(backend.F32, 10, 100000, 5); return err }},
		{"whole groups", func() error { _, err := d.NewMatrix(backend.F32, 10, 10, 3); return err }},
		{"rows 1024 to 1536: out of GPU memory for 1.0 MiB more, with 2.0 MiB", func() error { _, err := d.NewMatrix(backend.F16, 4096, 1024, 1); return err }},
		{"readback of 0 bytes", func() error { _, err := d.NewReadback(0); return err }},
	} {
		if err := c.make(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want one with %q", err, c.want)
		}
		if d.Memory() != 0 {
			t.Fatalf("%d bytes are still counted after %q", d.Memory(), c.want)
		}
	}
	m, err := d.NewMatrix(backend.F32, 2, 8, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, data := range [][]byte{make([]byte, 31), make([]byte, 96)} {
		if d.WriteRows(m, 0, data) == nil {
			t.Errorf("%d bytes were written to 2 rows of 32", len(data))
		}
	}
	m.Release()
	if err := d.WriteRows(m, 0, make([]byte, 32)); !errors.Is(err, errReleased) {
		t.Errorf("writing to a released matrix: %v", err)
	}
}

// Ensure that the list of adapters is in order of preference, and that one is chosen by index or by a part of its name.
func TestChooseAdapter(t *testing.T) {
	testDevice(t)
	infos, err := Adapters()
	if err != nil {
		t.Fatal(err)
	}
	for i, a := range infos {
		t.Logf("%d: %s; %s, driver %s, %d MiB a binding", i, a, a.Vendor, a.Driver, a.MaxBinding>>20)
		if a.Index != i || i > 0 && rank(infos[i-1].Kind) > rank(a.Kind) {
			t.Errorf("adapter %d is out of order", i)
		}
	}
	if _, err := Open(Options{Adapter: "no such GPU"}); err == nil || !strings.Contains(err.Error(), infos[0].Name) {
		t.Errorf("error %v, want one that lists the adapters", err)
	}
	list := []AdapterInfo{{Name: "GeForce RTX 4070"}, {Name: "Intel(R) UHD"}, {Name: "llvmpipe"}}
	for want, index := range map[string]int{"": 0, "1": 1, "rtx": 0, "LLVM": 2, "4070": 0} {
		if got, err := choose(list, want); err != nil || got != index {
			t.Errorf("%q chose %d (%v), want %d", want, got, err, index)
		}
	}
}

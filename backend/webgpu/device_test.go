//go:build cgo && !nogpu && ((linux && amd64) || (darwin && (amd64 || arm64)) || (windows && amd64))

package webgpu

import (
	"context"
	"encoding/binary"
	"os"
	"sync"
	"testing"

	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/wgsl"
)

// addKernel is a test's own shader: y[i] = a·y[i] + x[i] + b for i < n.
var addKernel = &wgsl.Kernel{Name: "test_add", Bindings: []wgsl.Access{wgsl.Read, wgsl.ReadWrite}}

const addSource = `
struct Params { n: u32, a: u32, b: u32, pad: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x < p.n { y[id.x] = p.a * y[id.x] + x[id.x] + p.b; }
}
`

// shared opens one device for all tests of the binary, since opening is slow.
var shared = sync.OnceValues(func() (*device, error) { return openTest(Options{}) })

func openTest(o Options) (*device, error) {
	b, err := Open(o)
	if err != nil {
		return nil, err
	}
	d := b.(*device)
	return d, compile(d, addKernel, addSource)
}

// compile makes a test's kernel known to a device.
func compile(d *device, k *wgsl.Kernel, source string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	p, err := d.newPipeline(k, "", func() (string, error) { return source, nil })
	if err == nil {
		err = p.compile()
	}
	return err
}

// testDevice is the shared device. Without an adapter the test is skipped, unless LRUN_GPU=require.
func testDevice(t testing.TB) *device {
	t.Helper()
	d, err := shared()
	return demand(t, d, err)
}

// ownDevice opens a device with options for one test.
func ownDevice(t testing.TB, o Options) *device {
	t.Helper()
	testDevice(t)
	d, err := openTest(o)
	demand(t, d, err)
	t.Cleanup(func() { d.Close() })
	return d
}

func demand(t testing.TB, d *device, err error) *device {
	t.Helper()
	if err != nil && os.Getenv("LRUN_GPU") == "require" {
		t.Fatal(err)
	}
	if err != nil {
		t.Skip("no GPU to test on: ", err)
	}
	return d
}

// add records y = a·y + x + b; x may be none.
func (s *step) add(y, x backend.Tensor, a, b uint32) {
	n := uint32(y.Rows * y.Stride)
	s.dispatch("add", addKernel, "", []uint32{n, a, b, 0}, (n+63)/64, 1, 1, bindTensor(x), bindTensor(y))
}

func tensor(t testing.TB, d *device, rows, cols int) backend.Tensor {
	t.Helper()
	x, err := d.NewTensor(rows, cols)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(x.Buf.Release)
	return x
}

func readbackOf(t testing.TB, d *device, bytes int) backend.Readback {
	t.Helper()
	r, err := d.NewReadback(bytes)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Release)
	return r
}

func do(t testing.TB, d *device, record func(s *step)) {
	t.Helper()
	if err := d.Do(func(o backend.Ops) { record(o.(*step)) }); err != nil {
		t.Fatal(err)
	}
}

// words waits for a readback.
func words(t testing.TB, r backend.Readback) []uint32 {
	t.Helper()
	data, err := r.Wait(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	w := make([]uint32, len(data)/4)
	for i := range w {
		w[i] = binary.NativeEndian.Uint32(data[4*i:])
	}
	return w
}

// contents fetches a tensor.
func contents(t testing.TB, d *device, x backend.Tensor) []uint32 {
	t.Helper()
	r := readbackOf(t, d, 4*x.Rows*x.Cols)
	do(t, d, func(s *step) { s.Fetch(r, x) })
	return words(t, r)
}

func upFrom(n, from int) []uint32 {
	w := make([]uint32, n)
	for i := range w {
		w[i] = uint32(from + i)
	}
	return w
}

func equal(t testing.TB, what string, got, want []uint32) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d words, want %d", what, len(got), len(want))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("%s: word %d is %d, want %d", what, i, got[i], want[i])
		}
	}
}

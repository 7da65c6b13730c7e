//go:build cgo && !nogpu && ((linux && amd64) || (darwin && (amd64 || arm64)) || (windows && amd64))

package webgpu

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/wgsl"
)

// Ensure that rows travel to the device and back with their padding left out, also those of a slice.
func TestWriteFetchKeepRows(t *testing.T) {
	d := testDevice(t)
	for _, c := range []struct{ rows, cols int }{{1, 1}, {1, 64}, {3, 5}, {4, 64}, {2, 65}, {70, 130}} {
		t.Run(fmt.Sprintf("%dx%d", c.rows, c.cols), func(t *testing.T) {
			x := tensor(t, d, c.rows, c.cols)
			data := upFrom(c.rows*c.cols, 7)
			do(t, d, func(s *step) { s.Write(x, data) })
			equal(t, "all", contents(t, d, x), data)
			last := x.Slice(c.rows-1, 1)
			do(t, d, func(s *step) { s.Write(last, upFrom(c.cols, 1000)) })
			equal(t, "last row", contents(t, d, last), upFrom(c.cols, 1000))
			equal(t, "the others", contents(t, d, x)[:(c.rows-1)*c.cols], data[:(c.rows-1)*c.cols])
		})
	}
}

// Ensure that a new tensor is zero, and that operations, writes and fetches of a step happen in the order recorded.
func TestStepKeepsOrder(t *testing.T) {
	d := testDevice(t)
	x, y := tensor(t, d, 1, 100), tensor(t, d, 1, 100)
	r1, r2, r3 := readbackOf(t, d, 400), readbackOf(t, d, 400), readbackOf(t, d, 400)
	do(t, d, func(s *step) {
		s.Write(x, upFrom(100, 1))
		s.add(y, x, 1, 0) // 1 + i
		s.Fetch(r1, y)
		s.Write(x, upFrom(100, 5)) // x is in use: what is recorded goes first
		s.add(y, x, 2, 3)          // 2 + 2i + 5 + i + 3
		s.Fetch(r2, y)
		s.add(y, backend.Tensor{}, 0, 9) // x absent: zeros
		s.Fetch(r3, y)
	})
	want := make([]uint32, 100)
	equal(t, "first", words(t, r1), upFrom(100, 1))
	for i := range want {
		want[i] = uint32(10 + 3*i)
	}
	equal(t, "second", words(t, r2), want)
	for i := range want {
		want[i] = 9
	}
	equal(t, "third", words(t, r3), want)
}

// Ensure that a step that writes first, dispatches and fetches costs one submission.
func TestUsualStepIsOneSubmission(t *testing.T) {
	d := testDevice(t)
	x, y := tensor(t, d, 2, 64), tensor(t, d, 2, 64)
	r := readbackOf(t, d, 512)
	before := d.submitted
	do(t, d, func(s *step) {
		s.Write(x, upFrom(128, 0))
		for range 40 {
			s.add(y, x, 1, 1)
		}
		s.Fetch(r, y)
	})
	words(t, r)
	if n := d.submitted - before; n != 1 {
		t.Errorf("%d submissions, want 1", n)
	}
}

// Ensure that more dispatches than the uniform buffer has slots, and more work than the budget, are right all the same.
func TestStepsOfAnySize(t *testing.T) {
	d := testDevice(t)
	y := tensor(t, d, 1, 64)
	before := d.Dispatches()
	do(t, d, func(s *step) {
		for i := range 2*slots + 5 {
			s.work(d.tuning.Submission / 100)
			s.add(y, backend.Tensor{}, 1, uint32(i))
		}
	})
	n := uint32(2*slots + 5)
	if got := contents(t, d, y)[0]; got != n*(n-1)/2 {
		t.Errorf("sum is %d, want %d", got, n*(n-1)/2)
	}
	if got := d.Dispatches() - before; got != int64(n) {
		t.Errorf("%d dispatches counted, want %d", got, n)
	}
}

// Ensure that scratch may grow within a step that already uses it, and is kept.
func TestScratchGrows(t *testing.T) {
	d := testDevice(t)
	y := tensor(t, d, 1, 64)
	do(t, d, func(s *step) {
		s.dispatch("fill", addKernel, "", []uint32{64, 0, 5, 0}, 1, 1, 1, binding{}, s.scratch("grow", 256))
		s.dispatch("use", addKernel, "", []uint32{64, 0, 0, 0}, 1, 1, 1, s.scratch("grow", 256), bindTensor(y))
		s.dispatch("fill", addKernel, "", []uint32{64, 0, 6, 0}, 1, 1, 1, binding{}, s.scratch("grow", 4096))
		s.dispatch("use", addKernel, "", []uint32{64, 1, 0, 0}, 1, 1, 1, s.scratch("grow", 100), bindTensor(y))
	})
	if got := contents(t, d, y)[0]; got != 11 {
		t.Errorf("got %d, want 11", got)
	}
	if got := d.scratch["grow"].room; got != 4096 {
		t.Errorf("scratch has %d bytes, want 4096", got)
	}
}

// Ensure that what goes wrong in a step is an error that names the operation, and that the device works afterwards.
func TestStepErrors(t *testing.T) {
	d := testDevice(t)
	x, y := tensor(t, d, 1, 64), tensor(t, d, 1, 64)
	gone, err := d.NewTensor(1, 64)
	if err != nil {
		t.Fatal(err)
	}
	gone.Buf.Release()
	bad := &wgsl.Kernel{Name: "no_such_kernel"}
	for _, c := range []struct {
		want   string
		record func(s *step)
	}{
		{"add: kernel test_add: an operand was released (number 1)", func(s *step) { s.add(y, gone, 1, 1) }},
		{"operands 1 and 2 share a buffer", func(s *step) { s.add(y, y, 1, 1) }},
		{"not memory of this device", func(s *step) { s.add(backend.Tensor{Buf: alien{}, Rows: 1, Cols: 1, Stride: 64}, x, 1, 1) }},
		{"write: 3 words to [1][64]", func(s *step) { s.Write(x, upFrom(3, 0)) }},
		{"no_such_kernel", func(s *step) { s.dispatch("odd", bad, "", nil, 1, 1, 1) }},
		{"65536 × 1 × 1 workgroups", func(s *step) {
			s.dispatch("wide", addKernel, "", nil, 65536, 1, 1, bindTensor(x), bindTensor(y))
		}},
		{"exactly 2", func(s *step) { s.dispatch("few", addKernel, "", nil, 1, 1, 1, bindTensor(x)) }},
		{"fetch: ", func(s *step) { s.Fetch(nil, x) }},
	} {
		err := d.Do(func(o backend.Ops) { c.record(o.(*step)) })
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want one with %q", err, c.want)
		}
	}
	do(t, d, func(s *step) { s.add(y, x, 0, 42) })
	if got := contents(t, d, y)[63]; got != 42 {
		t.Errorf("afterwards y is %d, want 42", got)
	}
}

// Ensure that an error of wgpu itself does not end the process, and names the step's operations.
func TestNativeErrorsAreErrors(t *testing.T) {
	d := testDevice(t)
	y := tensor(t, d, 1, 64)
	r := readbackOf(t, d, 256)
	err := d.Do(func(o backend.Ops) {
		s := o.(*step)
		s.add(y, backend.Tensor{}, 1, 1)
		s.commands[0].p = 4 // a dynamic offset that is not a multiple of 256
		s.Fetch(r, y)
	})
	if err == nil || !strings.HasPrefix(err.Error(), "add: ") || !strings.Contains(err.Error(), "Dynamic binding") {
		t.Errorf("error %v, want one of add about the dynamic offset", err)
	}
	if _, err := r.Wait(context.Background()); err == nil {
		t.Error("a readback of a failed step has data")
	}
	equal(t, "afterwards", contents(t, d, y), make([]uint32, 64))
	err = compile(d, &wgsl.Kernel{Name: "broken"}, "fn main() { let x = 1.0 + 1u; }")
	if err == nil || !strings.Contains(err.Error(), "compiling kernel broken") {
		t.Errorf("error %v, want one that names the kernel", err)
	}
}

type alien struct{}

func (alien) Bytes() int { return 256 }
func (alien) Release()   {}

// greedyKernel has a larger uniform struct than a slot, which wgpu finds out at the end of the pass.
var greedyKernel = &wgsl.Kernel{Name: "test_greedy", Bindings: []wgsl.Access{wgsl.ReadWrite}}

const greedySource = `
struct Params { a: array<vec4<u32>, 32> }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) { y[id.x] = p.a[31].x; }
`

// Ensure that in debug mode the operation at fault is named alone, and without it among the step's others.
func TestDebugNamesOneOperation(t *testing.T) {
	d := ownDevice(t, Options{Debug: true})
	if err := compile(d, greedyKernel, greedySource); err != nil {
		t.Fatal(err)
	}
	y := tensor(t, d, 1, 64)
	for _, want := range []string{"bad: ", "add, bad: "} {
		err := d.Do(func(o backend.Ops) {
			s := o.(*step)
			s.add(y, backend.Tensor{}, 1, 1)
			s.add(y, backend.Tensor{}, 1, 1)
			s.dispatch("bad", greedyKernel, "", nil, 1, 1, 1, bindTensor(y))
		})
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("error %v, want one that starts with %q", err, want)
		}
		d.debug = false
	}
}

// Ensure that a step that panics leaves nothing behind, least of all the lock.
func TestPanicInStep(t *testing.T) {
	d := testDevice(t)
	y := tensor(t, d, 1, 64)
	func() {
		defer func() { recover() }()
		d.Do(func(o backend.Ops) {
			o.(*step).add(y, backend.Tensor{}, 0, 7)
			panic("a caller's")
		})
	}()
	equal(t, "y", contents(t, d, y), make([]uint32, 64))
}

// BenchmarkStep40Dispatches is a step in its steady state, waited for. host-µs is what Do takes of it; the rest is the
// device. (One step ahead, lavapipe would block inside Do until the step before has finished.)
func BenchmarkStep40Dispatches(b *testing.B) {
	d := testDevice(b)
	b.Log(d.Adapter())
	x, y := tensor(b, d, 1, 64), tensor(b, d, 1, 64)
	ids := upFrom(64, 0)
	r := readbackOf(b, d, 256)
	record := func(o backend.Ops) {
		s := o.(*step)
		s.Write(x, ids)
		for range 40 {
			s.add(y, x, 1, 1)
		}
		s.Fetch(r, y)
	}
	var host time.Duration
	b.ReportAllocs()
	for b.Loop() {
		start := time.Now()
		if err := d.Do(record); err != nil {
			b.Fatal(err)
		}
		host += time.Since(start)
		if _, err := r.Wait(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(host.Microseconds())/float64(b.N), "host-µs/op")
}

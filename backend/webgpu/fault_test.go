//go:build cgo && !nogpu && ((linux && amd64) || (darwin && (amd64 || arm64)) || (windows && amd64))

package webgpu

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/wgsl"
)

// Ensure that mappings survive a collector that runs all the time. The Go binding hands C the address of a Go variable
// here, and dies of it.
func TestMapsUnderCollection(t *testing.T) {
	d := testDevice(t)
	stop := make(chan struct{})
	var collector sync.WaitGroup
	collector.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				runtime.GC()
			}
		}
	})
	defer collector.Wait()
	defer close(stop)
	x := tensor(t, d, 1, 64)
	maps := 1000
	if testing.Short() {
		maps = 100
	}
	for i := range maps {
		r, err := d.NewReadback(256)
		if err != nil {
			t.Fatal(err)
		}
		do(t, d, func(s *step) {
			s.Write(x, upFrom(64, i))
			s.Fetch(r, x)
		})
		equal(t, "fetched", words(t, r), upFrom(64, i))
		r.Release()
	}
}

// slowKernel is 60,000 steps of a generator in every thread; lavapipe ends loops after 65,535.
var slowKernel = &wgsl.Kernel{Name: "test_slow", Bindings: []wgsl.Access{wgsl.ReadWrite}}

const slowSource = `
struct Params { a: u32, b: u32, pad0: u32, pad1: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    var v = y[id.x];
    for (var i = 0u; i < 60000u; i++) { v = v * p.a + p.b; }
    y[id.x] = v;
}
`

// Ensure that a submission that takes longer than five seconds, after which a waiting poll of wgpu gives up and reports
// success, is waited for and brings the right data; and that the wait can be cancelled before.
func TestLongSubmission(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seven seconds")
	}
	d := testDevice(t)
	if err := compile(d, slowKernel, slowSource); err != nil {
		t.Fatal(err)
	}
	const groups = 512
	y := tensor(t, d, 1, 64*groups)
	r := readbackOf(t, d, 4*64*groups)
	launch := func(n int) {
		do(t, d, func(s *step) {
			s.Write(y, upFrom(64*groups, 0))
			for range n {
				s.dispatch("slow", slowKernel, "", []uint32{1664525, 1013904223}, groups, 1, 1, bindTensor(y))
			}
			s.Fetch(r, y)
		})
	}
	launch(1)
	words(t, r)
	start := time.Now()
	launch(4)
	words(t, r)
	n := min(slots, int(6.5*4/time.Since(start).Seconds()))
	start = time.Now()
	launch(n)
	soon, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if _, err := r.Wait(soon); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("cancelled wait: %v", err)
	}
	if err := d.Sync(soon); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("cancelled sync: %v", err)
	}
	got := words(t, r)
	t.Logf("%d dispatches took %v", n, time.Since(start))
	for _, i := range []int{0, 1, 64*groups - 1} {
		want := uint32(i)
		for range n * 60000 {
			want = want*1664525 + 1013904223
		}
		if got[i] != want {
			t.Errorf("word %d is %d, want %d", i, got[i], want)
		}
	}
}

// Ensure that a fetch that nobody waits for, in flight when its readback is reused or released, harms neither the next
// fetch nor the process: wgpu aborts when a mapping comes true for a buffer that is gone.
func TestAbandonedFetches(t *testing.T) {
	d := testDevice(t)
	before := d.Memory()
	x, y := tensor(t, d, 1, 4096), tensor(t, d, 1, 4096)
	for i := range 50 {
		r, err := d.NewReadback(4 * 4096)
		if err != nil {
			t.Fatal(err)
		}
		for j := range 3 {
			do(t, d, func(s *step) {
				s.Write(x, upFrom(4096, i+j))
				for range 20 {
					s.add(y, x, 0, 0)
				}
				s.Fetch(r, y)
			})
		}
		if i%2 == 0 {
			equal(t, "last fetch", words(t, r), upFrom(4096, i+2))
		}
		r.Release()
		r.Release()
	}
	if err := d.Sync(context.Background()); err != nil {
		t.Fatal(err)
	}
	x.Buf.Release()
	y.Buf.Release()
	if got := d.Memory() - before; got != 0 {
		t.Errorf("%d bytes are still counted", got)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.gpu.poll()
	d.freeOrphans()
	if len(d.orphans) > 0 {
		t.Errorf("%d staging buffers were never freed", len(d.orphans))
	}
}

// Ensure that steps, waits, allocations and releases from many goroutines do not get in each other's way.
func TestManyGoroutines(t *testing.T) {
	d := testDevice(t)
	var all sync.WaitGroup
	for g := range 4 {
		all.Go(func() {
			for i := range 25 {
				if err := roundTrip(d, 1000*g+i); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
}

// roundTrip does a step with memory of its own and checks the result.
func roundTrip(d *device, from int) error {
	x, err := d.NewTensor(2, 70)
	if err != nil {
		return err
	}
	defer x.Buf.Release()
	r, err := d.NewReadback(4 * 140)
	if err != nil {
		return err
	}
	defer r.Release()
	err = d.Do(func(o backend.Ops) {
		s := o.(*step)
		s.Write(x, upFrom(140, from))
		s.add(x, backend.Tensor{}, 1, 1)
		s.Fetch(r, x)
	})
	if err != nil {
		return err
	}
	data, err := r.Wait(context.Background())
	if err != nil {
		return err
	}
	if data[0] != byte(from+1) || data[4*139] != byte(from+140) {
		return errors.New("another's data")
	}
	return nil
}

// Ensure that twenty devices can be opened and closed, with memory still alive and a fetch in flight, that a closed one refuses
// everything without harm, and that nothing of them stays: drivers have room for few.
func TestOpenClose(t *testing.T) {
	testDevice(t)
	before := openFiles(t)
	defer func() {
		if after := openFiles(t); after > before+15 {
			t.Errorf("%d open files before twenty devices, %d after", before, after)
		}
	}()
	for range 20 {
		d, err := openTest(Options{})
		if err != nil {
			t.Fatal(err)
		}
		x, _ := d.NewTensor(4, 64)
		r, _ := d.NewReadback(1024)
		do(t, d, func(s *step) {
			s.add(x, backend.Tensor{}, 0, 5)
			s.Fetch(r, x)
		})
		for range 2 {
			if err := d.Close(); err != nil {
				t.Fatal(err)
			}
		}
		x.Buf.Release()
		r.Release()
		if d.Memory() != 0 {
			t.Errorf("%d bytes are still counted", d.Memory())
		}
		if _, err := d.NewTensor(1, 1); !errors.Is(err, errClosed) {
			t.Errorf("a tensor of a closed device: %v", err)
		}
		if err := d.Do(func(backend.Ops) {}); !errors.Is(err, errClosed) {
			t.Errorf("a step on a closed device: %v", err)
		}
		if _, err := r.Wait(context.Background()); !errors.Is(err, errClosed) {
			t.Errorf("a wait on a closed device: %v", err)
		}
	}
}

// openFiles is how many files and threads the process has, where the system tells: a device has some of each.
func openFiles(t *testing.T) int {
	t.Helper()
	n := 0
	for _, dir := range []string{"/proc/self/fd", "/proc/self/task"} {
		entries, err := os.ReadDir(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		n += len(entries)
	}
	return n
}

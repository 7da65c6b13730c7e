//go:build cgo && !nogpu && ((linux && amd64) || (darwin && (amd64 || arm64)) || (windows && amd64))

package webgpu

import (
	"testing"

	"github.com/lrun/lrun/backend"
)

// Ensure that a profile counts every launch with its bytes and multiply-adds, copies apart, by timestamps and by submitting
// one after another, and over several submissions, and that the results are those of any step.
func TestProfile(t *testing.T) {
	d := ownDevice(t, Options{})
	t.Run("timestamps", func(t *testing.T) {
		if !d.gpu.timestamps() {
			t.Skip("the adapter has none")
		}
		profileAdds(t, d, 3)
		profileAdds(t, d, slots+5)
	})
	d.gpu.c.timestamps = 0
	t.Run("submissions", func(t *testing.T) { profileAdds(t, d, 3) })
}

// profileAdds profiles n launches of addKernel and a copy.
func profileAdds(t *testing.T, d *device, n int) {
	x, y := tensor(t, d, 1, 64), tensor(t, d, 1, 64)
	r := readbackOf(t, d, 256)
	if err := d.StartProfile(); err != nil {
		t.Fatal(err)
	}
	if d.StartProfile() == nil {
		t.Error("two profiles at once")
	}
	do(t, d, func(s *step) {
		s.Write(x, upFrom(64, 1))
		for range n {
			s.work(100)
			s.add(y, x, 1, 0)
		}
		s.Fetch(r, y)
	})
	want := make([]uint32, 64)
	for i := range want {
		want[i] = uint32(n * (i + 1))
	}
	equal(t, "sum", words(t, r), want)
	var adds, copies backend.KernelTime
	for _, k := range d.StopProfile() {
		if k.Name == backend.CopyName {
			copies = k
		} else {
			adds = k
		}
	}
	if adds.Name != addKernel.Name || adds.Count != n || adds.Bytes != int64(n*512) || adds.Flops != int64(n*200) || adds.Nanoseconds <= 0 {
		t.Errorf("%+v, want %d launches of 512 bytes and 200 flops", adds, n)
	}
	if copies.Count != 1 || copies.Bytes != 512 {
		t.Errorf("%+v, want one copy of 256 bytes to 256", copies)
	}
	if all := d.StopProfile(); all != nil {
		t.Errorf("without a profile: %+v", all)
	}
}

// Ensure that a device's speed is measured, and that nothing of it stays.
func TestSpeed(t *testing.T) {
	d := ownDevice(t, Options{})
	before := d.overhead.Load()
	s, err := d.Speed(t.Context())
	if err != nil || s.Bytes < 1e8 || s.Flops < 1e8 {
		t.Errorf("%.3g bytes and %.3g flops a second (%v)", s.Bytes, s.Flops, err)
	}
	t.Logf("%s: %.1f GB/s, %.1f GFLOP/s", d.Adapter(), s.Bytes/1e9, s.Flops/1e9)
	if after := d.overhead.Load(); after != before {
		t.Errorf("%d bytes of scratch before, %d after", before, after)
	}
}

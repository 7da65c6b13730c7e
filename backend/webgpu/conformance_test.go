//go:build cgo && !nogpu && ((linux && amd64) || (darwin && (amd64 || arm64)) || (windows && amd64))

package webgpu

import (
	"strings"
	"testing"

	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/backend/backendtest"
	"github.com/lrun/lrun/backend/cpu"
	"github.com/lrun/lrun/wgsl"
)

// Ensure that every operation computes what its Go twin computes.
func TestOperationsMatchTwins(t *testing.T) {
	backendtest.Conform(t, testDevice(t), cpu.Open(), backendtest.Cases())
}

// Ensure that the kernels that do several operations at once compute the same.
func TestFusedOperationsMatchTwins(t *testing.T) {
	backendtest.Conform(t, ownDevice(t, Options{Fuse: "1"}), cpu.Open(), backendtest.LinearCases())
}

// Ensure that attention is right past 65,535 keys, where lavapipe ends a loop without a word.
func TestAttentionReachesFarKeys(t *testing.T) {
	if testing.Short() {
		t.Skip("slow: 70,000 keys on a software adapter")
	}
	backendtest.Conform(t, testDevice(t), cpu.Open(), backendtest.LongCases())
}

// Ensure that a matrix that exceeds the binding limit gives the same results in parts.
func TestOperationsMatchTwinsInParts(t *testing.T) {
	for _, fuse := range []string{"0", "1"} {
		small := ownDevice(t, Options{BindingLimit: 24 << 10, Fuse: fuse})
		backendtest.Conform(t, small, cpu.Open(), backendtest.PartCases())
	}
}

// Ensure that the WebGPU library takes every kernel in its variants.
func TestKernelsCompile(t *testing.T) {
	d := testDevice(t)
	for _, k := range wgsl.Kernels {
		t.Run(k.Name, func(t *testing.T) {
			for _, v := range k.Sample() {
				d.mu.Lock()
				p, err := d.pipeline(k, v)
				d.mu.Unlock()
				if err == nil {
					err = p.compile()
				}
				if err != nil {
					t.Errorf("%q: %v", v, err)
				}
			}
		})
	}
}

func BenchmarkOperations(b *testing.B) { backendtest.Benchmark(b, testDevice(b)) }

// Ensure that a scan neither drifts nor overflows over a million tokens.
func TestScansOfManyTokens(t *testing.T) {
	backendtest.LongScans(t, testDevice(t), backendtest.LongTokens())
}

// Ensure that a scan of more tokens than the kernels' loops can count is refused in words.
func TestScansRefuseTooManyTokens(t *testing.T) {
	d := testDevice(t)
	x, err := d.NewTensor(maxScan+1, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer x.Buf.Release()
	from, _ := d.NewTensor(1, 1)
	defer from.Buf.Release()
	to, _ := d.NewTensor(1, 1)
	defer to.Buf.Release()
	err = d.Do(func(o backend.Ops) {
		o.SelectiveScan(x, x, backend.SelectiveScan{Delta: x, BC: x, AD: x.Slice(0, 2), From: from, To: to})
	})
	if err == nil {
		t.Error("B and C of one column were accepted")
	}
	err = d.Do(func(o backend.Ops) {
		o.RGLRU(x, x, backend.RGLRU{Input: x, Recurrence: x, Lambda: from, From: from, To: to})
	})
	if err == nil || !strings.Contains(err.Error(), "several steps") {
		t.Errorf("%d tokens: error %v, want one that names the remedy", maxScan+1, err)
	}
}

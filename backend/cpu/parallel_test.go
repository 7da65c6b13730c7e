package cpu

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Ensure that every index is handled exactly once, by several callers at a time, in bursts and after pauses.
func TestParallelCoversAll(t *testing.T) {
	var callers sync.WaitGroup
	for c := range 4 {
		callers.Go(func() {
			for round := range 300 {
				n := 1 + (round*37+c)%500
				counts := make([]atomic.Int32, n)
				parallel(n, 1+round%9, func(from, to int) {
					for i := from; i < to; i++ {
						counts[i].Add(1)
					}
				})
				for i := range counts {
					if got := counts[i].Load(); got != 1 {
						t.Errorf("index %d of %d was handled %d times", i, n, got)
					}
				}
				if round%100 == 99 {
					time.Sleep(time.Millisecond)
				}
			}
		})
	}
	callers.Wait()
}

func BenchmarkParallel(b *testing.B) {
	x := make([]float32, 1<<14)
	for b.Loop() {
		parallel(len(x), 64, func(from, to int) {
			for i := from; i < to; i++ {
				x[i]++
			}
		})
	}
}

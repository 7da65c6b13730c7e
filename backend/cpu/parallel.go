package cpu

import (
	"runtime"
	"sync"
)

// parallel calls f on [0, n) cut into runs of at least grain, on all cores, and returns when all are done. Each index is
// handled by one call, so results do not depend on how the range was cut.
func parallel(n, grain int, f func(from, to int)) {
	workers := min(runtime.GOMAXPROCS(0), (n+grain-1)/max(grain, 1))
	if workers <= 1 {
		f(0, n)
		return
	}
	var wait sync.WaitGroup
	for w := 1; w < workers; w++ {
		wait.Go(func() { f(n*w/workers, n*(w+1)/workers) })
	}
	f(0, n/workers)
	wait.Wait()
}

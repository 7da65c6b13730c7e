package cpu

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// parallel calls f on [0, n) cut into runs of at least grain, on all cores, and returns when all are done. Each index is
// handled by one call, so results do not depend on how the range was cut.
func parallel(n, grain int, f func(from, to int)) {
	workers := min(runtime.GOMAXPROCS(0), (n+grain-1)/max(grain, 1))
	if workers <= 1 {
		f(0, n)
		return
	}
	j := &job{f: f, n: int64(n), step: int64(max(grain, n/(4*workers)))}
	helpers.post(j, workers-1)
	j.work()
	for turns := 0; j.done.Load() < j.n; turns++ {
		if turns < patience {
			runtime.Gosched()
		} else {
			time.Sleep(10 * time.Microsecond) // a helper has lost its core
		}
	}
	j.f = nil // helpers keep the job until the next
}

// job is one call of parallel; whoever comes takes runs of it until there are none.
type job struct {
	f          func(from, to int)
	n, step    int64
	next, done atomic.Int64
}

func (j *job) work() {
	for {
		from := j.next.Add(j.step) - j.step
		if from >= j.n {
			return
		}
		to := min(from+j.step, j.n)
		j.f(int(from), int(to))
		j.done.Add(to - from)
	}
}

// patience is how often who waits looks again before it sleeps, some 20 µs in all: the operations of a step follow one another
// faster than a sleeping core wakes.
const patience = 256

// team are the goroutines that help with jobs. A job that a later one pushes aside, of another backend, is done by who posted it.
type team struct {
	current atomic.Pointer[job]
	mu      sync.RWMutex
	all     []*helper
}

var helpers team

// helper is one of a team.
type helper struct {
	asleep atomic.Bool
	wake   chan struct{}
}

// post offers a job to n helpers, and wakes those that sleep.
func (t *team) post(j *job, n int) {
	t.mu.RLock()
	all := t.all
	t.mu.RUnlock()
	if len(all) < n {
		all = t.grow(n)
	}
	t.current.Store(j)
	for _, h := range all[:n] {
		if h.asleep.CompareAndSwap(true, false) {
			h.wake <- struct{}{}
		}
	}
}

// grow makes the team at least n.
func (t *team) grow(n int) []*helper {
	t.mu.Lock()
	defer t.mu.Unlock()
	for len(t.all) < n {
		h := &helper{wake: make(chan struct{}, 1)}
		t.all = append(t.all, h)
		go t.help(h)
	}
	return t.all
}

// help does a helper's part of every job that comes.
func (t *team) help(h *helper) {
	var last *job
	for {
		for turns := 0; t.current.Load() == last; turns++ {
			if turns < patience {
				runtime.Gosched()
			} else {
				h.sleep(&t.current, last)
			}
		}
		last = t.current.Load()
		last.work()
	}
}

// sleep waits for a job other than the last.
func (h *helper) sleep(current *atomic.Pointer[job], last *job) {
	h.asleep.Store(true)
	if current.Load() != last && h.asleep.CompareAndSwap(true, false) {
		return // it came just now, and who posted it saw nobody asleep
	}
	<-h.wake
}

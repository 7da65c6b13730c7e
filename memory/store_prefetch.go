package memory

import "sync"

// queue is the ids that are to be brought into host memory in the background. Its lock is not the store's, which may be
// held for as long as the disk takes.
type queue struct {
	mu      sync.Mutex
	ids     []int
	running bool // there is a goroutine that takes from it
	closed  bool
}

// Prefetch brings records from the file into host memory in the background, as many as the limit allows; where more were
// asked for, those asked for last. It does not wait. An error is left to Get, and ids that are not held are left out.
func (s *Store) Prefetch(ids ...int) {
	if s.slots == 0 {
		return // nothing is in a file
	}
	q := &s.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed || len(ids) == 0 {
		return
	}
	q.ids = append(q.ids, ids[:min(len(ids), s.slots)]...)
	q.ids = q.ids[max(0, len(q.ids)-s.slots):]
	if !q.running {
		q.running = true
		s.busy.Add(1)
		go s.prefetch()
	}
}

// prefetch works the queue off.
func (s *Store) prefetch() {
	defer s.busy.Done()
	data := make([]byte, s.size)
	for id, ok := s.queue.take(); ok; id, ok = s.queue.take() {
		s.bring(id, data)
	}
}

// bring makes a record warm, through data. A file that takes no records leaves no room for others to come back.
func (s *Store) bring(id int, data []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed || !s.held(id):
	case s.records[id].host != nowhere:
		s.touch(int32(id))
	case s.fault == nil || s.warm < s.slots:
		s.fetch(int32(id), data)
	}
}

// take is the next id; without one the goroutine that asks ends.
func (q *queue) take() (id int, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.ids) == 0 {
		q.running, q.ids = false, nil
		return 0, false
	}
	id, q.ids = q.ids[0], q.ids[1:]
	return id, true
}

// close empties the queue for good.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.ids, q.closed = nil, true
}

package memory

import (
	"errors"
	"fmt"
	"math"
	"sync"
)

// Store keeps records of one fixed size that never change: the blocks of a long text. Past a limit on host memory the
// records that were not read for the longest time go to a file; one that is read there comes back, and its place in the
// file stays its own, so that it goes out again without a write.
//
// A Store may be used by several goroutines at once. Files are read outside its lock; a record is written under it.
type Store struct {
	size  int
	limit int64
	slots int // how many records host memory holds by the limit; 0: all

	mu      sync.Mutex
	records []record // records[0] is where the ring of warm records begins: next is the warmest, prev the coldest
	spare   int32    // the first of the free records, linked by next; 0: none
	live    int
	warm    int // records in host memory
	host    slabs
	file    spill
	fault   error
	pause   int // how many more times room is not made by writing, after a fault
	spilled int64
	fetched int64
	closed  bool

	busy  sync.WaitGroup // reads of the file, and the background
	queue queue
}

// record says where a record is.
type record struct {
	refs       int32  // 0: free
	host, file int32  // slots, or nowhere; in both, the copies are equal
	prev, next int32  // neighbours in the ring, while in host memory
	sum        uint32 // CRC-32C, once in the file
}

// nowhere is the slot of a record that is not there.
const nowhere = -1

// patience is how many records wait in host memory, after the file took none, before it is tried again; and how many are
// written at most to make room for one, so that a long wait is made up for in small steps.
const patience = 64

// StoreStats are the figures of a Store.
type StoreStats struct {
	Records   int   // that are held
	HostBytes int64 // taken for records in host memory, whole slabs; the index is 24 bytes a record on top
	FileBytes int64 // of the file, places that are free counted
	Spilled   int64 // records written to the file
	Fetched   int64 // records read from the file
	Fault     error // why records stay in host memory above the limit; nil once the file takes records again
}

var errClosed = errors.New("memory: the store is closed")

// NewStore makes a store of records of size bytes, 1 at least. Beyond limit bytes of host memory, one record at least, records go to a
// file in dir, made when it is first needed; limit 0 is no limit, dir "" is the system's folder for temporary files.
func NewStore(size int, limit int64, dir string) *Store {
	s := &Store{size: size, limit: limit, records: make([]record, 1)}
	if limit > 0 {
		s.slots = int(min(max(1, limit/int64(size)), math.MaxInt32))
	}
	s.host = newSlabs(size, s.slots)
	s.file = spill{size: size, dir: dir, open: createSpill}
	return s
}

// Put keeps a copy of data, which is of the store's record size, and returns its id, above 0, with one reference. Ids of
// freed records are used again. A file that takes no more records is no error: see StoreStats.Fault.
func (s *Store) Put(data []byte) (id int, err error) {
	if len(data) != s.size {
		return 0, fmt.Errorf("memory: %d bytes for a record of %d", len(data), s.size)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return 0, errClosed
	}
	if s.spare == 0 && len(s.records) > math.MaxInt32 {
		return 0, fmt.Errorf("memory: the store is full, with %d records", s.live)
	}
	s.room() // without room it stays in host memory all the same
	n := s.spare
	if n == 0 {
		n = int32(len(s.records))
		s.records = append(s.records, record{})
	} else {
		s.spare = s.records[n].next
	}
	s.records[n] = record{refs: 1, host: nowhere, file: nowhere}
	s.live++
	s.heat(n, data)
	return int(n), nil
}

// Keep adds a reference to a record. An id that is not held is left alone, by Free too.
func (s *Store) Keep(id int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held(id) {
		s.records[id].refs++
	}
}

// Free takes a reference from a record. With the last one its memory and its place in the file are free for others.
func (s *Store) Free(id int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held(id) {
		s.release(int32(id))
	}
}

// Get copies a record to dst, which is of the store's record size. A record that was in the file is in host memory then.
// An error names the file and says what is wrong with it: other records are not concerned. dst is zeros then.
func (s *Store) Get(id int, dst []byte) error {
	if len(dst) != s.size {
		return fmt.Errorf("memory: %d bytes for a record of %d", len(dst), s.size)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		clear(dst)
		return errClosed
	case !s.held(id):
		clear(dst)
		return fmt.Errorf("memory: there is no record %d", id)
	case s.records[id].host == nowhere:
		return s.fetch(int32(id), dst)
	}
	copy(dst, s.host.at(s.records[id].host))
	s.touch(int32(id))
	return nil
}

// Stats returns the figures of now.
func (s *Store) Stats() StoreStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return StoreStats{
		Records: s.live, HostBytes: s.host.bytes(), FileBytes: s.file.bytes(),
		Spilled: s.spilled, Fetched: s.fetched, Fault: s.fault,
	}
}

// Close waits for what goes on in the background, removes the file and gives all memory back. All records are gone then.
func (s *Store) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.queue.close()
	s.busy.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.records, s.spare, s.live, s.warm, s.fault = make([]record, 1), 0, 0, 0, nil
	s.host = newSlabs(s.size, s.slots)
	return s.file.close()
}

// held reports whether there is a record of this id.
func (s *Store) held(id int) bool { return id > 0 && id < len(s.records) && s.records[id].refs > 0 }

// fetch reads a record from the file into dst, without the lock, and makes it warm if there is room.
func (s *Store) fetch(id int32, dst []byte) error {
	r := &s.records[id]
	r.refs++ // its place in the file stays its own meanwhile
	place, sum := r.file, r.sum
	s.busy.Add(1)
	s.mu.Unlock()
	err := s.file.read(id, place, sum, dst)
	s.mu.Lock()
	s.busy.Done()
	if err == nil {
		s.fetched++
		if s.records[id].host == nowhere && s.room() {
			s.heat(id, dst)
		}
	}
	s.release(id)
	return err
}

// release takes a reference from a record that is held.
func (s *Store) release(id int32) {
	r := &s.records[id]
	if r.refs--; r.refs > 0 {
		return
	}
	if r.host != nowhere {
		s.cool(id)
	}
	if r.file != nowhere {
		s.file.give(r.file)
	}
	s.live--
	r.next, s.spare = s.spare, id
}

// room makes room for one more record in host memory: it reports false when the file does not take the coldest.
func (s *Store) room() bool {
	for range patience {
		if s.slots == 0 || s.warm < s.slots {
			return true
		}
		coldest := s.records[0].prev
		if s.records[coldest].file == nowhere && !s.write(coldest) {
			return false
		}
		s.cool(coldest)
	}
	return s.warm < s.slots
}

// write copies a warm record to the file. After a fault, it is not tried for a while.
func (s *Store) write(id int32) bool {
	if s.pause > 0 {
		s.pause--
		return false
	}
	r := &s.records[id]
	place, sum, err := s.file.write(s.host.at(r.host))
	if err != nil {
		s.pause = patience
		s.fault = fmt.Errorf("memory: no room to spill memory to %s: %w: blocks stay in host memory, above the limit of %.1f MiB; "+
			"make room there, or choose another folder", s.file.name(), err, float64(s.limit)/(1<<20))
		return false
	}
	s.fault = nil
	s.spilled++
	r.file, r.sum = place, sum
	return true
}

// heat puts a record that is not in host memory there, as the warmest.
func (s *Store) heat(id int32, data []byte) {
	slot := s.host.take()
	copy(s.host.at(slot), data)
	s.records[id].host = slot
	s.warm++
	s.link(id)
}

// cool takes a record out of host memory.
func (s *Store) cool(id int32) {
	s.unlink(id)
	s.host.give(s.records[id].host)
	s.records[id].host = nowhere
	s.warm--
}

// touch makes a record in host memory the warmest.
func (s *Store) touch(id int32) {
	s.unlink(id)
	s.link(id)
}

func (s *Store) link(id int32) {
	next := s.records[0].next
	s.records[id].prev, s.records[id].next = 0, next
	s.records[0].next, s.records[next].prev = id, id
}

func (s *Store) unlink(id int32) {
	r := s.records[id]
	s.records[r.prev].next, s.records[r.next].prev = r.next, r.prev
}

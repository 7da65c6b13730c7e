package memory

import (
	"bytes"
	"testing"
	"time"
)

// slowDisk is a file whose reads say that they began, and wait for a go.
type slowDisk struct {
	spillFile
	began, proceed chan bool
}

func (f *slowDisk) ReadAt(dst []byte, at int64) (int, error) {
	f.began <- true
	<-f.proceed
	return f.spillFile.ReadAt(dst, at)
}

// slowStore is a store on a slow disk, with room for four records of 100 bytes in host memory.
func slowStore(t *testing.T) (*Store, *slowDisk) {
	s := newStore(t, 100, 400)
	slow := &slowDisk{began: make(chan bool), proceed: make(chan bool)}
	s.file.open = func(dir string) (file spillFile, err error) {
		slow.spillFile, err = createSpill(dir)
		return slow, err
	}
	return s, slow
}

// Ensure that while the disk takes its time others go on, and that a record which is freed meanwhile keeps its place until
// it was read.
func TestStoreFreeWhileReading(t *testing.T) {
	s, slow := slowStore(t)
	ids := put(t, s, 8) // the first four are in the file
	got, done := make([]byte, s.size), make(chan error)
	go func() { done <- s.Get(ids[0], got) }()
	<-slow.began
	s.Free(ids[0])
	expect(t, s, ids[7], content(s.size, 7))
	put(t, s, 2) // two more go to the file
	slow.proceed <- true
	if err := <-done; err != nil || !bytes.Equal(got, content(s.size, 0)) {
		t.Errorf("what was freed while it was read: %v", err)
	}
	check(t, s)
	if n := s.Stats().Records; n != 9 {
		t.Errorf("%d records are left", n)
	}
}

// Ensure that no more records wait to be brought back than there is room for.
func TestStorePrefetchInBounds(t *testing.T) {
	s, slow := slowStore(t)
	ids := put(t, s, 8)
	s.Prefetch(ids[0])
	<-slow.began
	for range 100 {
		s.Prefetch(97, 98, 99) // that are not held: the disk is not asked for them
	}
	s.queue.mu.Lock()
	if n := len(s.queue.ids); n != s.slots {
		t.Errorf("%d records wait for room for %d", n, s.slots)
	}
	s.queue.mu.Unlock()
	slow.proceed <- true
	s.busy.Wait()
}

// Ensure that Close waits for reads, those for Get and those in the background.
func TestStoreCloseWaits(t *testing.T) {
	for _, test := range []struct {
		name string
		read func(s *Store, id int)
	}{
		{"get", func(s *Store, id int) { s.Get(id, make([]byte, s.size)) }},
		{"prefetch", func(s *Store, id int) { s.Prefetch(id) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, slow := slowStore(t)
			ids := put(t, s, 8)
			go test.read(s, ids[0])
			<-slow.began
			closed := make(chan error)
			go func() { closed <- s.Close() }()
			select {
			case <-closed:
				t.Error("Close does not wait")
			case <-time.After(20 * time.Millisecond):
			}
			slow.proceed <- true
			if err := <-closed; err != nil {
				t.Error(err)
			}
		})
	}
}

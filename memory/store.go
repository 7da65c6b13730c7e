package memory

import "fmt"

// Store keeps records.
type Store struct {
	size   int
	data   map[int][]byte
	refs   map[int]int
	next   int
	owners int
}

func NewStore(size int, limit int64, dir string) *Store {
	return &Store{size: size, data: map[int][]byte{}, refs: map[int]int{}, owners: 1}
}
func (s *Store) Put(data []byte) (int, error) {
	s.next++
	s.data[s.next] = append([]byte(nil), data...)
	s.refs[s.next] = 1
	return s.next, nil
}
func (s *Store) Keep(id int) { s.refs[id]++ }
func (s *Store) Free(id int) {
	if s.refs[id]--; s.refs[id] == 0 {
		delete(s.data, id)
	}
}
func (s *Store) Get(id int, dst []byte) error {
	if _, ok := s.data[id]; !ok {
		return fmt.Errorf("no record %d", id)
	}
	copy(dst, s.data[id])
	return nil
}
func (s *Store) Open()        { s.owners++ }
func (s *Store) Close() error { s.owners--; return nil }

type StoreStats struct {
	HostBytes, FileBytes int64
	Fault                error
}

func (s *Store) Stats() StoreStats { return StoreStats{HostBytes: int64(len(s.data)) * int64(s.size)} }

package memory

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
)

// Ensure that under random operations every record is what was put, whatever the limit, and that all memory comes back.
func TestStoreKeepsWhatWasPut(t *testing.T) {
	const size = 1000
	for _, limit := range []int64{0, 1, 10 * size, 100 * size, 1 << 30} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) { randomly(t, newStore(t, size, limit)) })
	}
}

func randomly(t *testing.T, s *Store) {
	type known struct {
		id, refs int
		data     []byte
	}
	var model []*known
	random := rand.New(rand.NewPCG(3, 4))
	for i := range 20000 {
		op := random.IntN(10)
		if len(model) == 0 || op < 2 && len(model) < 300 {
			data := content(s.size, uint64(i))
			id, err := s.Put(data)
			if err != nil {
				t.Fatal(err)
			}
			clear(data) // the store has a copy
			model = append(model, &known{id, 1, content(s.size, uint64(i))})
			continue
		}
		n := random.IntN(len(model))
		switch r := model[n]; op {
		case 2:
			s.Keep(r.id)
			r.refs++
		case 3, 4:
			s.Free(r.id)
			if r.refs--; r.refs == 0 {
				model[n] = model[len(model)-1]
				model = model[:len(model)-1]
			}
		case 5:
			s.Prefetch(r.id, model[0].id, 1<<40, -1)
		default:
			expect(t, s, r.id, r.data)
		}
		if i%100 == 0 {
			check(t, s)
		}
	}
	for _, r := range model {
		expect(t, s, r.id, r.data)
		for range r.refs {
			s.Free(r.id)
		}
	}
	s.busy.Wait()
	check(t, s)
	if got := s.Stats(); got.Records != 0 || got.FileBytes != 0 || got.HostBytes > slabBytes {
		t.Errorf("after all was freed: %+v", got)
	}
	if s.file.file == nil {
		return
	}
	if info, err := os.Stat(s.file.name()); err != nil || info.Size() != 0 {
		t.Errorf("after all was freed: a file of %d bytes, %v", info.Size(), err)
	}
}

// Ensure that a store under many goroutines keeps what was put, and that Close may come at any time.
func TestStoreIsSafeForGoroutines(t *testing.T) {
	const size = 512
	s := newStore(t, size, 20*size)
	shared := put(t, s, 50)
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			random := rand.New(rand.NewPCG(uint64(g), 5))
			dst := make([]byte, size)
			for i := range 500 {
				n := random.IntN(len(shared))
				s.Prefetch(shared[n], shared[0])
				s.Keep(shared[n])
				if err := s.Get(shared[n], dst); err != nil || !bytes.Equal(dst, content(size, uint64(n))) {
					t.Errorf("record %d: %v", shared[n], err)
				}
				s.Free(shared[n])
				seed := uint64(1000*g + i)
				own, _ := s.Put(content(size, seed))
				s.Prefetch(own)
				if err := s.Get(own, dst); err != nil || !bytes.Equal(dst, content(size, seed)) {
					t.Errorf("record %d: %v", own, err)
				}
				s.Free(own)
				s.Stats()
			}
		})
	}
	all.Wait()
	check(t, s)
	for range 4 {
		all.Go(func() {
			dst := make([]byte, size)
			for n := range shared {
				s.Prefetch(shared...)
				if err := s.Get(shared[n], dst); err == nil && !bytes.Equal(dst, content(size, uint64(n))) {
					t.Errorf("record %d is wrong during Close", shared[n])
				}
				s.Free(shared[n])
			}
		})
	}
	all.Go(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	all.Wait()
}

// Ensure that host memory stays within a slab of the limit, over several slabs, and that slabs in use are told apart.
func TestStoreHostBytes(t *testing.T) {
	const size, limit = 128 << 10, 10 << 20
	s := newStore(t, size, limit)
	random := rand.New(rand.NewPCG(6, 7))
	data, ids := make([]byte, size), map[int]uint64{}
	for range 1000 {
		if random.IntN(5) < 3 {
			seed := random.Uint64()
			binary.LittleEndian.PutUint64(data[size-8:], seed)
			id, err := s.Put(data)
			if err != nil || ids[id] != 0 {
				t.Fatal(id, err)
			}
			ids[id] = seed
		} else {
			for id, seed := range ids { // any one
				if err := s.Get(id, data); err != nil || binary.LittleEndian.Uint64(data[size-8:]) != seed {
					t.Fatalf("record %d: %v", id, err)
				}
				s.Free(id)
				delete(ids, id)
				break
			}
		}
		if got := s.Stats(); got.Fault != nil || got.HostBytes > limit+slabBytes {
			t.Fatalf("%+v", got)
		}
	}
	check(t, s)
}

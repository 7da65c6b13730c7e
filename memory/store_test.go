package memory

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// newStore is a store in a folder of the test's, whose file is gone when the test ends.
func newStore(t testing.TB, size int, limit int64) *Store {
	t.Helper()
	dir := t.TempDir()
	s := NewStore(size, limit, dir)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Errorf("%s is left", left[0].Name())
		}
	})
	return s
}

// content is a record's, different for each seed.
func content(size int, seed uint64) []byte {
	data := make([]byte, size)
	random := rand.NewPCG(seed, 1)
	for i := range data {
		data[i] = byte(random.Uint64())
	}
	return data
}

// put puts n records with the contents of seeds 0 to n-1.
func put(t testing.TB, s *Store, n int) []int {
	t.Helper()
	var ids []int
	for i := range n {
		id, err := s.Put(content(s.size, uint64(i)))
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	return ids
}

// expect fails the test unless record id is want.
func expect(t testing.TB, s *Store, id int, want []byte) {
	t.Helper()
	got := make([]byte, s.size)
	if err := s.Get(id, got); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Fatalf("record %d is not what was put", id)
	}
}

// check fails the test if the books of a store do not agree with each other.
func check(t testing.TB, s *Store) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	live, warm, filed, ring := 0, 0, 0, 0
	places := map[int32]bool{}
	for _, r := range s.records[1:] {
		if r.refs == 0 {
			continue
		}
		live++
		if r.host != nowhere {
			warm++
		}
		if r.file != nowhere {
			filed++
			places[r.file] = true
		}
		if r.host == nowhere && r.file == nowhere {
			t.Fatal("a record is nowhere")
		}
	}
	for n := s.records[0].next; n != 0; n = s.records[n].next {
		ring++
	}
	for _, place := range s.file.free {
		places[place] = true
	}
	if live != s.live || warm != s.warm || warm != ring || len(places) != int(s.file.end) || filed+len(s.file.free) != len(places) {
		t.Fatalf("%d records of %d, %d warm of %d, %d in the ring, %d in the file and %d free of %d", live, s.live, warm, s.warm, ring,
			filed, len(s.file.free), s.file.end)
	}
	taken := len(s.host.spare)
	for _, b := range s.host.all {
		taken += len(b.data)
	}
	if int64(taken) != s.host.bytes() {
		t.Fatalf("%d bytes of host memory, said to be %d", taken, s.host.bytes())
	}
	if s.slots > 0 && s.fault == nil && s.host.bytes() > max(s.limit, int64(s.size))+slabBytes {
		t.Fatalf("%d bytes of host memory, above the limit of %d", s.host.bytes(), s.limit)
	}
}

// Ensure that what is read last stays in host memory, and that a record goes to the file once only.
func TestStoreSpillsTheColdest(t *testing.T) {
	const size = 100
	s := newStore(t, size, 4*size)
	ids := put(t, s, 4)
	expect(t, s, ids[0], content(size, 0))
	ids = append(ids, put(t, s, 1)...) // 1 goes out
	if got := s.Stats(); got.Spilled != 1 || got.FileBytes != size {
		t.Fatalf("%+v", got)
	}
	expect(t, s, ids[0], content(size, 0))
	if got := s.Stats().Fetched; got != 0 {
		t.Fatal("what was read last is in the file")
	}
	for range 3 {
		for i, id := range ids {
			expect(t, s, id, content(size, uint64(i%4)))
		}
	}
	if got := s.Stats(); got.Spilled != 5 || got.Fetched != 14 {
		t.Errorf("%+v, want 5 writes, and a read each time but the first", got)
	}
}

// Ensure that Prefetch makes as many records warm as the limit allows, and keeps those that are warm.
func TestStorePrefetch(t *testing.T) {
	const size = 100
	s := newStore(t, size, 4*size)
	ids := put(t, s, 8)
	still := append(ids[:1:1], ids[3:6]...) // the first is among the coldest that are warm
	for _, test := range []struct{ ask, warm []int }{{ids[:3], ids[:3]}, {still, still}, {ids, ids[:4]}} {
		s.Prefetch(test.ask...)
		s.busy.Wait()
		before := s.Stats().Fetched
		for _, id := range test.warm {
			expect(t, s, id, content(size, uint64(id-ids[0])))
		}
		if after := s.Stats().Fetched; after != before {
			t.Errorf("%d of %d records that were asked for were in the file", after-before, len(test.warm))
		}
	}
}

// Ensure that a store costs little more host memory than its records, and gives it back.
func TestStoreIsSmall(t *testing.T) {
	const size, n = 4096, 16384
	s := NewStore(size, 0, "")
	data := make([]byte, size)
	before := heap()
	for range n {
		s.Put(data)
	}
	each := float64(heap()-before) / n
	t.Logf("%.0f bytes for a record of %d", each, size)
	if each > size+64 {
		t.Errorf("%.0f bytes for a record of %d", each, size)
	}
	for id := range n {
		s.Free(id + 1)
	}
	if left := heap() - before; left > 2*slabBytes {
		t.Errorf("%d bytes are left", left)
	}
	runtime.KeepAlive(s)
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// Ensure that wrong sizes, records that are not held and a closed store are errors, and that freeing twice does no harm.
func TestStoreRefuses(t *testing.T) {
	s := newStore(t, 8, 8)
	ids := put(t, s, 2)
	s.Free(ids[0])
	s.Free(ids[0])
	s.Keep(ids[0])
	_, short := s.Put(make([]byte, 7))
	for _, test := range []struct {
		err  error
		want string
	}{
		{short, "7 bytes for a record of 8"},
		{s.Get(ids[1], make([]byte, 9)), "9 bytes for a record of 8"},
		{s.Get(ids[0], make([]byte, 8)), "no record 1"},
		{s.Get(0, make([]byte, 8)), "no record 0"},
		{s.Get(-1, make([]byte, 8)), "no record -1"},
		{s.Get(99, make([]byte, 8)), "no record 99"},
	} {
		if test.err == nil || !strings.Contains(test.err.Error(), test.want) {
			t.Errorf("%v, want %q", test.err, test.want)
		}
	}
	check(t, s)
	s.Close()
	s.Prefetch(ids...)
	s.Free(ids[1])
	if _, err := s.Put(make([]byte, 8)); err != errClosed {
		t.Error(err)
	}
	if err := s.Get(ids[1], make([]byte, 8)); err != errClosed {
		t.Error(err)
	}
	if got := s.Stats(); got != (StoreStats{Spilled: 1}) {
		t.Errorf("closed: %+v", got)
	}
}

// spilled is the path of the file.
func spilled(t testing.TB, s *Store) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(s.file.dir, "lrun-spill-*.kv"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	return files[0]
}

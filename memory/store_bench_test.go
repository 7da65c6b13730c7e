package memory

import (
	"fmt"
	"testing"
)

var benchSizes = []int{4 << 10, 128 << 10}

// BenchmarkStorePut puts records and frees the one of 1024 before: in host memory alone, and with most of them in the file.
func BenchmarkStorePut(b *testing.B) {
	for _, size := range benchSizes {
		for _, limit := range []int{0, 128} {
			b.Run(fmt.Sprintf("%dKiB/%s", size>>10, where(limit)), func(b *testing.B) {
				s := newStore(b, size, int64(limit*size))
				data, ids := content(size, 0), [1024]int{}
				b.SetBytes(int64(size))
				for i := 0; b.Loop(); i++ {
					s.Free(ids[i%1024])
					ids[i%1024], _ = s.Put(data)
				}
			})
		}
	}
}

// BenchmarkStoreGet gets 1024 records in turn: in host memory, and in the file, which the system caches.
func BenchmarkStoreGet(b *testing.B) {
	for _, size := range benchSizes {
		for _, limit := range []int{0, 128} {
			b.Run(fmt.Sprintf("%dKiB/%s", size>>10, where(limit)), func(b *testing.B) {
				s := newStore(b, size, int64(limit*size))
				ids, dst := put(b, s, 1024), make([]byte, size)
				b.SetBytes(int64(size))
				for i := 0; b.Loop(); i++ {
					if err := s.Get(ids[i%1024], dst); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// where says where most records are.
func where(limit int) string {
	if limit == 0 {
		return "host"
	}
	return "file"
}

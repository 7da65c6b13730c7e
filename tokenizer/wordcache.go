package tokenizer

import (
	"hash/maphash"
	"slices"
	"sync/atomic"
)

// wordCache remembers the ids of recent words. It is a direct-mapped table: a word has one slot, and the latest word
// of a slot stays. So it needs no lock and holds at most cacheSlots words of maxCachedWord bytes.
type wordCache struct {
	seed  maphash.Seed
	slots []cacheSlot
}

const (
	cacheSlots    = 1 << 15
	maxCachedWord = 64
)

type cacheSlot struct{ entry atomic.Pointer[cacheEntry] }

type cacheEntry struct {
	word string
	ids  []int32
}

func newWordCache() *wordCache {
	return &wordCache{seed: maphash.MakeSeed(), slots: make([]cacheSlot, cacheSlots)}
}

func (c *wordCache) slot(word string) *cacheSlot {
	return &c.slots[maphash.String(c.seed, word)%cacheSlots]
}

func (s *cacheSlot) get(word string) ([]int32, bool) {
	if e := s.entry.Load(); e != nil && e.word == word {
		return e.ids, true
	}
	return nil, false
}

// put copies both: word is a part of the caller's text, which the cache must not keep alive.
func (s *cacheSlot) put(word string, ids []int32) {
	s.entry.Store(&cacheEntry{word: string([]byte(word)), ids: slices.Clone(ids)})
}

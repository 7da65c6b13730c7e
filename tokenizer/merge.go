package tokenizer

import "math/bits"

// mergeTable maps a pair of token ids to the rank of its merge and the id of the merged token: an open-addressing
// table, since this lookup is the inner loop of encoding.
type mergeTable struct {
	entries []mergeEntry // a power of two
	shift   uint         // 64 - log2(len(entries))
	count   int          // of what add was called with
}

type mergeEntry struct {
	pair uint64 // left id + 1 above right id; 0 marks a free entry
	rank int32
	id   int32
}

func newMergeTable(count int) *mergeTable {
	size := max(bits.Len(uint(2*count)), 4)
	return &mergeTable{entries: make([]mergeEntry, 1<<size), shift: uint(64 - size)}
}

func packPair(left, right int32) uint64 { return uint64(left+1)<<32 | uint64(uint32(right)) }

// at is the index of the pair's entry, or of the free one where it would go.
func (t *mergeTable) at(pair uint64) uint64 {
	mask := uint64(len(t.entries) - 1)
	i := pair * 0x9E3779B97F4A7C15 >> t.shift
	for t.entries[i].pair != pair && t.entries[i].pair != 0 {
		i = (i + 1) & mask
	}
	return i
}

func (t *mergeTable) put(left, right, rank, id int32) {
	pair := packPair(left, right)
	t.entries[t.at(pair)] = mergeEntry{pair, rank, id}
}

// add is put for a table that has to grow with what it gets.
func (t *mergeTable) add(left, right, rank, id int32) {
	if t.count++; 2*t.count > len(t.entries) {
		bigger := newMergeTable(len(t.entries))
		for _, e := range t.entries {
			if e.pair != 0 {
				bigger.entries[bigger.at(e.pair)] = e
			}
		}
		t.entries, t.shift = bigger.entries, bigger.shift
	}
	t.put(left, right, rank, id)
}

// noMerge ranks behind every merge.
const noMerge = 1<<31 - 1

func (t *mergeTable) rank(left, right int32) int32 {
	e := &t.entries[t.at(packPair(left, right))]
	if e.pair == 0 {
		return noMerge
	}
	return e.rank
}

func (t *mergeTable) merged(left, right int32) int32 {
	return t.entries[t.at(packPair(left, right))].id
}

// shortWord is the number of symbols up to which looking at all pairs for each merge beats a heap.
const shortWord = 64

// apply merges ids in place and returns how many are left.
func (t *mergeTable) apply(ids []int32) int {
	if len(ids) > shortWord {
		return t.applyHeap(ids)
	}
	var ranks [shortWord]int32
	n := len(ids)
	for i := 0; i+1 < n; i++ {
		ranks[i] = t.rank(ids[i], ids[i+1])
	}
	for n > 1 {
		best, rank := 0, int32(noMerge)
		for i := 0; i < n-1; i++ {
			if ranks[i] < rank {
				best, rank = i, ranks[i]
			}
		}
		if rank == noMerge {
			break
		}
		ids[best] = t.merged(ids[best], ids[best+1])
		copy(ids[best+1:n-1], ids[best+2:n])
		copy(ranks[best:n-1], ranks[best+1:n])
		n--
		if best > 0 {
			ranks[best-1] = t.rank(ids[best-1], ids[best])
		}
		if best < n-1 {
			ranks[best] = t.rank(ids[best], ids[best+1])
		}
	}
	return n
}

// applyHeap is apply in n log n: a linked list of symbols and a heap of the pairs that can merge, by rank and then by
// position. A pair that is popped after one of its symbols changed is told by its rank and dropped.
func (t *mergeTable) applyHeap(ids []int32) int {
	n := int32(len(ids))
	next := make([]int32, n) // symbol to the right; n at the end
	prev := make([]int32, n) // symbol to the left; -1 at the start
	var heap pairHeap
	for i := range n {
		next[i], prev[i] = i+1, i-1
		if i+1 < n {
			if rank := t.rank(ids[i], ids[i+1]); rank != noMerge {
				heap = append(heap, packEntry(rank, i))
			}
		}
	}
	heap.init()
	const gone = -1 // marks a symbol merged into the one to its left
	for len(heap) > 0 {
		rank, i := heap.pop()
		if ids[i] == gone || next[i] == n || t.rank(ids[i], ids[next[i]]) != rank {
			continue
		}
		j := next[i]
		ids[i] = t.merged(ids[i], ids[j])
		ids[j] = gone
		next[i] = next[j]
		if next[i] < n {
			prev[next[i]] = i
			if rank := t.rank(ids[i], ids[next[i]]); rank != noMerge {
				heap.push(packEntry(rank, i))
			}
		}
		if p := prev[i]; p >= 0 {
			if rank := t.rank(ids[p], ids[i]); rank != noMerge {
				heap.push(packEntry(rank, p))
			}
		}
	}
	kept := 0
	for _, id := range ids {
		if id != gone {
			ids[kept] = id
			kept++
		}
	}
	return kept
}

// pairHeap is a binary min-heap of rank<<32 | position.
type pairHeap []uint64

func packEntry(rank, at int32) uint64 { return uint64(rank)<<32 | uint64(at) }

func (h pairHeap) init() {
	for i := len(h)/2 - 1; i >= 0; i-- {
		h.down(i)
	}
}

func (h *pairHeap) push(entry uint64) {
	*h = append(*h, entry)
	s := *h
	i := len(s) - 1
	for i > 0 && s[(i-1)/2] > entry {
		s[i] = s[(i-1)/2]
		i = (i - 1) / 2
	}
	s[i] = entry
}

func (h *pairHeap) pop() (rank, at int32) {
	s := *h
	top := s[0]
	last := len(s) - 1
	s[0] = s[last]
	*h = s[:last]
	h.down(0)
	return int32(top >> 32), int32(uint32(top))
}

func (h pairHeap) down(i int) {
	for {
		child := 2*i + 1
		if child >= len(h) {
			return
		}
		if child+1 < len(h) && h[child+1] < h[child] {
			child++
		}
		if h[i] <= h[child] {
			return
		}
		h[i], h[child] = h[child], h[i]
		i = child
	}
}

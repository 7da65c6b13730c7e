package tokenizer

import "sort"

// trie is an immutable byte trie. Its nodes are numbered from 0, the root; the edges of a node lie together, sorted by
// byte, so a lookup touches one short run of memory.
type trie struct {
	first  []uint32 // first[n] .. first[n+1] are the edges of node n
	label  []byte   // byte of each edge
	target []int32  // node that each edge leads to
	value  []int32  // value of each node, -1 for none
	root   [256]int32
}

// newTrie builds a trie of keys; values[i] belongs to keys[i], and of equal keys the last one counts. Empty keys are
// left out.
func newTrie(keys []string, values []int32) *trie {
	order := make([]int, 0, len(keys))
	for i, key := range keys {
		if key != "" {
			order = append(order, i)
		}
	}
	sort.SliceStable(order, func(a, b int) bool { return keys[order[a]] < keys[order[b]] })

	// One span of the sorted keys a node, in breadth-first order, so that the edges of a node are appended together.
	type span struct{ from, to, depth int }
	t := &trie{first: []uint32{0}, value: []int32{-1}}
	spans := []span{{0, len(order), 0}}
	for n := 0; n < len(spans); n++ {
		s := spans[n]
		i := s.from
		for i < s.to && len(keys[order[i]]) == s.depth {
			t.value[n] = values[order[i]]
			i++
		}
		for i < s.to {
			b := keys[order[i]][s.depth]
			j := i + 1
			for j < s.to && keys[order[j]][s.depth] == b {
				j++
			}
			t.label = append(t.label, b)
			t.target = append(t.target, int32(len(spans)))
			t.value = append(t.value, -1)
			spans = append(spans, span{i, j, s.depth + 1})
			i = j
		}
		t.first = append(t.first, uint32(len(t.label)))
	}
	for b := range t.root {
		t.root[b] = t.scan(0, byte(b))
	}
	return t
}

// step follows byte b from node n; -1 when there is no such edge.
func (t *trie) step(n int32, b byte) int32 {
	if n == 0 {
		return t.root[b]
	}
	return t.scan(n, b)
}

func (t *trie) scan(n int32, b byte) int32 {
	lo, hi := t.first[n], t.first[n+1]
	for hi-lo > 8 {
		mid := (lo + hi) / 2
		if t.label[mid] <= b {
			lo = mid
		} else {
			hi = mid
		}
	}
	for ; lo < hi; lo++ {
		if t.label[lo] == b {
			return t.target[lo]
		}
	}
	return -1
}

// longest returns the value and the length of the longest key that text begins with; length 0 when there is none.
func (t *trie) longest(text string) (value int32, length int) {
	n := int32(0)
	for i := 0; i < len(text); i++ {
		if n = t.step(n, text[i]); n < 0 {
			break
		}
		if v := t.value[n]; v >= 0 {
			value, length = v, i+1
		}
	}
	return value, length
}

package tokenizer

import (
	"encoding/json"
	"fmt"
	"math"
	"unicode/utf8"
)

// unigram picks the segmentation of a word into tokens with the highest sum of scores (Viterbi; arXiv 1804.10959).
type unigram struct {
	*vocabulary
	scores   []float64 // by id
	trie     *trie
	depth    int // length of the longest token in bytes
	unk      int32
	unkScore float64
	fallback *[256]int32 // id of <0x00> .. <0xFF>; nil without byte fallback
}

// unkPenalty is how much worse than the worst token an unknown character is.
const unkPenalty = 10

// scoredToken is one entry of the vocabulary, written ["token", score].
type scoredToken struct {
	token  string
	score  float64
	hidden bool // has an id but is not found in text
	forced bool // its score says nothing about the others
}

func (t *scoredToken) UnmarshalJSON(data []byte) error {
	var entry []json.RawMessage
	if err := json.Unmarshal(data, &entry); err != nil || len(entry) != 2 ||
		json.Unmarshal(entry[0], &t.token) != nil || json.Unmarshal(entry[1], &t.score) != nil {
		return fmt.Errorf("model.vocab wants pairs of a token and a score, found %.80q", data)
	}
	return nil
}

func parseUnigram(s modelSpec) (*unigram, error) {
	var entries []scoredToken
	if err := decodeSection("model.vocab", s.Vocab, &entries); err != nil {
		return nil, err
	}
	unk := int32(-1)
	if s.UnkID != nil {
		unk = *s.UnkID
		if unk < 0 || int(unk) >= len(entries) {
			return nil, fmt.Errorf("model.unk_id: %d is not in the vocabulary of %d tokens", unk, len(entries))
		}
	}
	return newUnigram(entries, unk, s.ByteFallback)
}

// newUnigram makes a model whose tokens are numbered as listed.
func newUnigram(entries []scoredToken, unk int32, byteFallback bool) (*unigram, error) {
	if len(entries) > maxID {
		return nil, fmt.Errorf("model.vocab: %d tokens; at most %d are supported", len(entries), maxID)
	}
	m := &unigram{vocabulary: &vocabulary{ids: make(map[string]int32, len(entries))}, unk: unk}
	worst := math.Inf(1)
	var keys []string
	var ids []int32
	for id, e := range entries {
		m.list = append(m.list, e.token)
		m.scores = append(m.scores, e.score)
		m.ids[e.token] = int32(id)
		if e.hidden {
			continue
		}
		if !e.forced {
			worst = min(worst, e.score)
		}
		m.depth = max(m.depth, len(e.token))
		keys, ids = append(keys, e.token), append(ids, int32(id))
	}
	if math.IsInf(worst, 1) {
		worst = 0
	}
	m.unkScore = worst - unkPenalty
	m.trie = newTrie(keys, ids)
	if byteFallback {
		m.fallback = byteTokens(m.vocabulary)
	}
	return m, nil
}

// step is the best way to reach a position: the token that ends there.
type step struct {
	length int32 // in bytes; 0 when the position is not reached
	id     int32
}

func (m *unigram) encode(dst []int32, word string) ([]int32, error) {
	// Scores are needed for one token's length back only, so they live in a ring.
	best := make([]step, len(word)+1)
	ring := make([]float64, max(m.depth, utf8.UTFMax)+1)
	reach := func(from, length int, score float64, id int32) {
		to := from + length
		if best[to].length == 0 || score > ring[to%len(ring)] {
			best[to] = step{int32(length), id}
			ring[to%len(ring)] = score
		}
	}
	for at := 0; at < len(word); {
		_, size := utf8.DecodeRuneInString(word[at:])
		score := ring[at%len(ring)]
		whole := false // one token covers just this character
		node := int32(0)
		for i := at; i < len(word); i++ {
			if node = m.trie.step(node, word[i]); node < 0 {
				break
			}
			if id := m.trie.value[node]; id >= 0 {
				length := i + 1 - at
				reach(at, length, score+m.scores[id], id)
				whole = whole || length == size
			}
		}
		if !whole {
			reach(at, size, score+m.unkScore, m.unk)
		}
		at += size
	}
	return m.collect(dst, word, best)
}

// collect walks back from the end of word, joins runs of unknown characters, and appends the ids in reading order.
func (m *unigram) collect(dst []int32, word string, best []step) ([]int32, error) {
	var ends []int32
	for at := len(word); at > 0; {
		ends = append(ends, int32(at))
		at -= int(best[at].length)
	}
	start := int32(0)
	for i := len(ends) - 1; i >= 0; i-- {
		end := ends[i]
		id := best[end].id
		if id != m.unk {
			dst, start = append(dst, id), end
			continue
		}
		if i > 0 && best[ends[i-1]].id == m.unk {
			continue
		}
		more, ok := appendBytes(dst, m.fallback, word[start:end])
		switch {
		case ok:
			dst = more
		case m.unk < 0:
			return nil, fmt.Errorf("tokenizer: %.40q is not in the vocabulary and model.unk_id is null", word[start:end])
		default:
			dst = append(dst, m.unk)
		}
		start = end
	}
	return dst, nil
}

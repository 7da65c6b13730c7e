package memory

import (
	"fmt"
	"math"

	"github.com/lrun/lrun/backend"
)

// InfLLM (arXiv 2402.04617) sees the first tokens, the last ones, and of those between the blocks that matter most to it,
// which each layer looks up anew for every chunk of a prompt and every token of an answer. What is not among the last tokens
// appears at one distance, NLocal − 1, with raw keys. Blocks leave the device for host memory, and come back when they are
// chosen.
//
// A block is represented by one key for each query head: the mean of the ReprTopK keys that received the most attention
// while they were among the last tokens. The fields have the paper's names; see InfLLMFor for values.
type InfLLM struct {
	plain
	NInit     int // n_init: first tokens that always stay
	NLocal    int // n_local: last tokens, the query itself included
	BlockSize int // block_size: tokens of a block
	TopK      int // topk: blocks that a query sees
	ReprTopK  int // repr_topk: keys whose mean represents a block

	// ExcBlockSize (exc_block_size) is how many tokens of a prompt look up together; steps end at its multiples.
	ExcBlockSize int

	MaxCachedBlock int     // max_cached_block: blocks of each layer that may stay on the device; 0: all do
	CacheStrategy  string  // cache_strategy: "lru", or "lru-s", where use counts and fades
	ScoreDecay     float64 // score_decay: by how much it fades with every look-up

	HostLimit int64  // host_limit: bytes of host memory, beyond which blocks go to a file; 0: none
	SpillDir  string // spill_dir: where that file is; "": the system's place for temporary files
}

// InfLLMFor has the paper's values for a model trained on so many tokens: those of Mistral and Llama 3 from 8,192 on,
// those of Vicuna at 4,096, and parts of them below.
func InfLLMFor(trained int) InfLLM {
	l := InfLLM{
		NInit: min(128, max(1, trained/16)), NLocal: min(4096, max(1, trained/2)), BlockSize: min(128, max(1, trained/16)), ReprTopK: 4,
		MaxCachedBlock: 32, CacheStrategy: "lru", ScoreDecay: 0.1,
	}
	l.TopK = min(16, l.NLocal/l.BlockSize)
	l.ExcBlockSize = min(512, max(1, l.NLocal/4))
	return l
}

// Check implements Policy.
func (l InfLLM) Check() error {
	switch {
	case l.NInit < 0 || l.NLocal < 1 || l.BlockSize < 1 || l.TopK < 1 || l.ReprTopK < 1 || l.ExcBlockSize < 1:
		return fmt.Errorf("infllm: n_init %d, n_local %d, block_size %d, topk %d, repr_topk %d, exc_block_size %d: want at least 0 and 1s",
			l.NInit, l.NLocal, l.BlockSize, l.TopK, l.ReprTopK, l.ExcBlockSize)
	case l.ExcBlockSize > l.NLocal:
		return fmt.Errorf("infllm: exc_block_size %d is above n_local %d", l.ExcBlockSize, l.NLocal)
	case l.TopK > mostPicks:
		return fmt.Errorf("infllm: topk %d; at most %d are supported", l.TopK, mostPicks)
	case l.MaxCachedBlock < 0 || l.MaxCachedBlock > 0 && l.MaxCachedBlock < l.TopK:
		return fmt.Errorf("infllm: max_cached_block %d is below topk %d; 0 keeps all blocks on the device", l.MaxCachedBlock, l.TopK)
	case l.CacheStrategy != "lru" && l.CacheStrategy != "lru-s":
		return fmt.Errorf("infllm: cache_strategy %q is not one of lru, lru-s", l.CacheStrategy)
	case !(l.ScoreDecay >= 0 && l.ScoreDecay <= 1):
		return fmt.Errorf("infllm: score_decay %v, want 0 to 1", l.ScoreDecay)
	case l.HostLimit < 0:
		return fmt.Errorf("infllm: host_limit %d is negative", l.HostLimit)
	}
	return nil
}

// mostPicks is how many blocks can be looked up.
const mostPicks = 256

// String implements Policy.
func (l InfLLM) String() string {
	text := fmt.Sprintf("infllm: the first %d and the last %d tokens, and %d blocks of %d between them", l.NInit, l.NLocal, l.TopK, l.BlockSize)
	if l.MaxCachedBlock > 0 {
		text += fmt.Sprintf("; %d blocks a layer on the device, the rest in host memory", l.MaxCachedBlock)
	}
	return text
}

// Seen implements Policy.
func (l InfLLM) Seen(n int) int { return min(n, l.NInit+l.NLocal+l.TopK*l.BlockSize) }

// Span implements Policy.
func (l InfLLM) Span(n int) int { return min(n, l.NLocal) }

// Held implements Policy: the last tokens are held twice, turned and raw.
func (l InfLLM) Held(n int) int {
	far := max(0, n-l.NInit-l.NLocal)
	if l.MaxCachedBlock > 0 {
		far = min(far, l.MaxCachedBlock*l.BlockSize)
	}
	return 2*min(n, l.NLocal) + min(n, l.NInit) + far
}

// Blocks is how many blocks a sequence of n tokens has.
func (l InfLLM) Blocks(n int) int { return max(0, n-l.NLocal-l.NInit) / l.BlockSize }

// Sets implements Policy.
func (l InfLLM) Sets(n int) int {
	if n > l.NLocal {
		return 2
	}
	return 1
}

// Turn implements Policy.
func (l InfLLM) Turn(int, int) int { return l.NLocal - 1 }

// Chunk implements Policy.
func (l InfLLM) Chunk() int { return l.ExcBlockSize }

// Alone implements Policy.
func (l InfLLM) Alone() bool { return true }

func (l InfLLM) page() int { return l.BlockSize }

func (l InfLLM) starting() int { return l.NInit }

func (l InfLLM) raws() int { return math.MaxInt }

func (l InfLLM) reach(window int) int { return least(l.NLocal, window) }

func (l InfLLM) step(at, n int) int { return min(n, l.ExcBlockSize-at%l.ExcBlockSize) }

// view is, in a layer that sees all: the first tokens and what has left the last ones without filling a block, both as far
// as they are not among a query's last tokens; the blocks that are looked up; the last tokens.
func (l InfLLM) view(v *backend.View, s *Sequence, n, window int) {
	if window == 0 && s.len > l.NLocal {
		far := func(g backend.Segment) {
			g.Query, g.Distance = 1, l.NLocal-1
			v.Segments = append(v.Segments, g)
		}
		edged := func(from, to int) {
			if g := s.rawRun(from, to); to > from {
				g.Causal, g.Least = true, l.NLocal
				far(g)
			}
		}
		edged(0, min(l.NInit, s.len))
		if k := s.Lookup(); k > 0 {
			far(backend.Segment{Pages: s.blocks.chosen[:k], Count: k * l.BlockSize})
		}
		edged(l.NInit+s.blocks.formed*l.BlockSize, s.len-l.NLocal)
	}
	v.Segments = append(v.Segments, s.last(n, l.reach(window)))
}

package memory

import (
	"slices"
	"strings"
	"testing"

	"github.com/lrun/lrun/backend"
)

// steps extends a sequence as a model does, and calls see with each step's view.
func steps(t *testing.T, s *Sequence, until, step int, see func(v *backend.View, n int)) {
	t.Helper()
	var v backend.View
	for s.Len() < until {
		n := s.Step(min(step, until-s.Len()))
		if err := s.Extend(n); err != nil {
			t.Fatal(err)
		}
		s.View(&v, n, 0)
		see(&v, n)
		s.Represented()
	}
}

// Ensure that a window and sinks see what they say, however a text is cut into steps; the first tokens as if at their
// places among the kept.
func TestWindowAndSinks(t *testing.T) {
	for _, p := range []Policy{Window{Size: 5}, Window{Size: 1}, Sinks{Start: 2, Recent: 3}, Sinks{Start: 20, Recent: 40}, Sinks{Recent: 3}} {
		for _, step := range []int{1, 7, 64} {
			pool, _ := newPool(t, 16, p)
			s := pool.sequence(t)
			steps(t, s, 300, step, func(v *backend.View, n int) {
				for q := s.Len() - n; q < s.Len(); q++ {
					if got, want := sights(v, q), keptSights(p, q); !slices.Equal(got, want) {
						t.Fatalf("%v in steps of %d: query %d sees %v, want %v", p, step, q, got, want)
					}
				}
			})
			s.Release()
		}
	}
}

// keptSights are the definitions of a window and of sinks.
func keptSights(p Policy, q int) []sighted {
	start, recent := 0, 0
	switch p := p.(type) {
	case Window:
		recent = p.Size - 1
	case Sinks:
		start, recent = p.Start, p.Recent
	}
	place := min(q, start+recent)
	if _, ok := p.(Window); ok {
		place = q
	}
	var all []sighted
	for j := range q + 1 {
		switch {
		case j < start:
			all = append(all, sighted{j, place - j})
		case q-j <= recent:
			all = append(all, sighted{j, q - j})
		}
	}
	return all
}

// Ensure that InfLLM's queries see what the method's definition says: the table for n_init 2, blocks of 2 and 4 last
// tokens, all but the blocks; and that every token is seen once where all blocks are looked up.
func TestInfLLMSights(t *testing.T) {
	l := InfLLM{NInit: 2, NLocal: 4, BlockSize: 2, TopK: 100, ReprTopK: 1, ExcBlockSize: 4, CacheStrategy: "lru"}
	for _, step := range []int{1, 3, 4} {
		pool, _ := newPool(t, 16, l)
		s := pool.sequence(t)
		steps(t, s, 60, step, func(v *backend.View, n int) {
			for q := s.Len() - n; q < s.Len(); q++ {
				formed := max(0, s.Len()-n-6) / 2
				var want []sighted
				for j := range q + 1 {
					switch {
					case q-j < 4:
						want = append(want, sighted{j, q - j})
					case j < 2 || j >= 2+2*formed:
						want = append(want, sighted{j, 3})
					}
				}
				blocks := 0
				rest := *v
				rest.Segments = slices.DeleteFunc(slices.Clone(v.Segments), func(g backend.Segment) bool {
					if g.Query == 1 && !g.Causal {
						blocks = g.Count
					}
					return g.Query == 1 && !g.Causal
				})
				if got := sights(&rest, q); !slices.Equal(got, want) || blocks != 2*formed {
					t.Fatalf("steps of %d: query %d sees %v and %d tokens of blocks, want %v and %d", step, q, got, blocks, want, 2*formed)
				}
			}
		})
		s.Release()
		if len(pool.free) != pool.pages || len(pool.reps.free) != pool.reps.pages {
			t.Errorf("%d of %d pages came back, and %d of %d of representatives", len(pool.free), pool.pages, len(pool.reps.free), pool.reps.pages)
		}
	}
}

// Ensure that the paper's constants come out for its models, and those of the embedded model's card for 256 tokens.
func TestInfLLMFor(t *testing.T) {
	for trained, want := range map[int][5]int{32768: {128, 4096, 128, 16, 512}, 8192: {128, 4096, 128, 16, 512}, 4096: {128, 2048, 128, 16, 512},
		256: {16, 128, 16, 8, 32}, 1: {1, 1, 1, 1, 1}} {
		l := InfLLMFor(trained)
		if got := [5]int{l.NInit, l.NLocal, l.BlockSize, l.TopK, l.ExcBlockSize}; got != want || l.Check() != nil {
			t.Errorf("%d tokens: %v (%v), want %v", trained, got, l.Check(), want)
		}
	}
}

// Ensure that SirLLM keeps what the method's example says.
func TestSirLLMKept(t *testing.T) {
	l := SirLLM{Start: 2, EntropySize: 4, Decay: 0.5}
	if got := l.Kept([]float64{9, 0.1, 3, 0.2, 2.5, 0.4}, 2); !slices.Equal(got, []int{0, 1, 2, 5}) {
		t.Errorf("kept %v, want [0 1 2 5]", got)
	}
	equal := SirLLM{Start: 1, EntropySize: 3, Decay: 1}
	if got := equal.Kept([]float64{5, 1, 1, 1}, 1); !slices.Equal(got, []int{0, 1, 3}) {
		t.Errorf("among equals %v stay, want the earlier and then the last: [0 1 3]", got)
	}
}

// Ensure that forks share pages, part where one writes, and give all back.
func TestForksShare(t *testing.T) {
	for _, p := range []Policy{Full{}, Lambda{Start: 3, Local: 40, Limit: 40}, InfLLM{NInit: 3, NLocal: 8, BlockSize: 4, TopK: 2, ReprTopK: 1, ExcBlockSize: 4, CacheStrategy: "lru"}} {
		pool, _ := newPool(t, 16, p)
		a := pool.sequence(t)
		steps(t, a, 201, 4, func(*backend.View, int) {})
		held := pool.pages - len(pool.free)
		b, err := a.Fork()
		if err != nil {
			t.Fatal(err)
		}
		if now := pool.pages - len(pool.free); now != held {
			t.Errorf("%v: a fork takes %d pages", p, now-held)
		}
		steps(t, b, 205, 4, func(*backend.View, int) {})
		copies := b.Copies()
		if len(copies) == 0 {
			t.Errorf("%v: nothing is copied when a fork writes into a shared page", p)
		}
		for _, c := range copies {
			if c.From == c.To || c.Tokens < 1 {
				t.Errorf("%v: copy %+v", p, c)
			}
		}
		if x, y := a.Slots(nil, 200, 201), b.Slots(nil, 200, 201); slices.Equal(x, y) {
			t.Errorf("%v: both write to slot %d", p, x)
		}
		a.Release()
		b.Release()
		if len(pool.free) != pool.pages {
			t.Errorf("%v: %d of %d pages came back", p, len(pool.free), pool.pages)
		}
	}
}

// Ensure that options are read by their names, and that nonsense is refused with what is wrong.
func TestParse(t *testing.T) {
	for _, c := range []struct {
		name, options string
		want          Policy
	}{
		{"full", "", Full{}},
		{"window", "n_local=100", Window{Size: 100}},
		{"sinks", "", Sinks{Start: 4, Recent: 251}},
		{"sinks", "start_size=2, recent_size=3", Sinks{Start: 2, Recent: 3}},
		{"lambda", "n_starting=10,n_local=200", Lambda{Start: 10, Local: 200, Limit: 256}},
		{"sirllm", "entropy_size=60,decay=0.7", SirLLM{Start: 4, EntropySize: 60, Decay: 0.7}},
		{"infllm", "topk=64,host_limit=1GiB", InfLLM{NInit: 16, NLocal: 128, BlockSize: 16, TopK: 64, ReprTopK: 4, ExcBlockSize: 32,
			MaxCachedBlock: 128, CacheStrategy: "lru", ScoreDecay: 0.1, HostLimit: 1 << 30}},
	} {
		if got, err := Parse(c.name, c.options, 256); err != nil || got != c.want {
			t.Errorf("%s %s is %+v (%v), want %+v", c.name, c.options, got, err, c.want)
		}
	}
	for text, want := range map[string]string{
		"elephant":                      "is not one of full, window",
		"full n_local=1":                `no option "n_local"`,
		"window n_local=0":              "at least one token",
		"window n_local":                "name=value",
		"infllm topk=x":                 `topk is "x"`,
		"infllm topk=1,topk=2":          "twice",
		"infllm topk=0":                 "topk 0",
		"infllm exc_block_size=1000":    "above n_local",
		"infllm max_cached_block=3":     "below topk",
		"infllm topk=1000":              "at most 256",
		"infllm cache_strategy=fifo":    "lru-s",
		"infllm score_decay=2":          "score_decay",
		"infllm host_limit=much":        "such as 4GiB",
		"sirllm entropy_size=0":         "2 of the last two",
		"sirllm decay=NaN":              "decay",
		"lambda n_local=9,l_pretrain=3": "below the 9 last",
	} {
		name, options, _ := strings.Cut(text, " ")
		if _, err := Parse(name, options, 256); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", text, err, want)
		}
	}
}

// Ensure that a block that leaves the device comes back as it was, that the least recently used one makes room, and that
// what is on the device is found there.
func TestBlocksComeBack(t *testing.T) {
	l := InfLLM{NInit: 1, NLocal: 4, BlockSize: 2, TopK: 2, ReprTopK: 1, ExcBlockSize: 4, MaxCachedBlock: 3, CacheStrategy: "lru"}
	pool, _ := newPool(t, 16, l)
	s := pool.sequence(t)
	defer s.Release()
	content := func(block, layer int) []byte {
		return slices.Repeat([]byte{byte(1 + block*2 + layer)}, 2*pool.Layer(layer).PageBytes())
	}
	next := 0
	steps(t, s, 200, 4, func(*backend.View, int) {
		for range s.Departing() {
			if err := s.Stored([][]byte{content(next, 0), content(next, 1)}); err != nil {
				t.Fatal(err)
			}
			next++
		}
	})
	if next < 40 || s.Resident() {
		t.Fatalf("%d blocks departed, all resident: %t", next, s.Resident())
	}
	for _, c := range []struct {
		picks []uint32
		loads int
	}{{[]uint32{0, 1}, 0}, {[]uint32{1, 9}, 1}, {[]uint32{1, 9}, 0}, {[]uint32{20, 21}, 2}, {[]uint32{9, 30}, 1}} {
		loads, err := s.Bring(nil, 1, c.picks)
		if err != nil || len(loads) != c.loads {
			t.Fatalf("%v: %d loads (%v), want %d", c.picks, len(loads), err, c.loads)
		}
		for _, load := range loads {
			if block := int(load.Data[0]-1) / 2; !slices.Contains(c.picks, uint32(block)) || !slices.Equal(load.Data, content(block, 1)) {
				t.Errorf("%v: what came back is block %d's or damaged", c.picks, block)
			}
		}
		if pages := s.blocks.chosen[:2]; pages[0] == pages[1] {
			t.Errorf("%v: both in page %d", c.picks, pages[0])
		}
	}
	if st := s.Stats(); st.Fetched != 4 || st.Stored != next || st.HostBytes == 0 {
		t.Errorf("stats %+v", st)
	}
	s.Truncate(100)
	if s.Len() != 0 || s.Blocks() != 0 {
		t.Errorf("%d tokens are left of a text whose blocks have left the device, want 0", s.Len())
	}
}

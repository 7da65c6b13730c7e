package lrun

import (
	"runtime"
	"testing"

	"github.com/lrun/lrun/internal/testkit"
)

// Ensure that on a GPU a token costs no allocation, from its step to the caller's loop, however it is drawn and the text
// remembered. Two things are left out: the token's text, a new string, by a model without a tokenizer; and what grows with the
// text, lists that double and the blocks of infllm, by counting where none of them does.
func TestTokensAllocateNothing(t *testing.T) {
	const from, to = 66, 94
	if all := testkit.Backends(t); all[len(all)-1].Name() != "webgpu" {
		t.Skip("the CPU backend's kernels allocate")
	}
	if testkit.Race {
		t.Skip("the race detector allocates")
	}
	files := tinyWith(t, map[string]string{"tokenizer.json": "", "tokenizer_config.json": ""})
	for _, c := range []struct {
		name string
		open []Option
		draw []GenerateOption
	}{
		{name: "greedy", draw: []GenerateOption{WithTemperature(0)}},
		{name: "sampled", draw: []GenerateOption{WithTemperature(0.8), WithTopK(40), WithTopP(0.9), WithMinP(0.01)}},
		{name: "penalties", draw: []GenerateOption{WithRepetitionPenalty(1.1)}},
		{name: "q8", open: []Option{WithQuant("q8")}},
		{name: "q4", open: []Option{WithQuant("q4"), WithKV("q8")}},
		{name: "window", open: []Option{WithMemoryNamed("window", "n_local=32")}},
		{name: "sinks", open: []Option{WithMemoryNamed("sinks", "start_size=4,recent_size=28")}},
		{name: "lambda", open: []Option{WithMemoryNamed("lambda", "n_starting=10,n_local=32,l_pretrain=40")}},
		{name: "infllm", open: []Option{WithMemoryNamed("infllm", "n_init=16,n_local=16,block_size=32,topk=1,repr_topk=4")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if testing.Short() && len(c.open) > 0 {
				t.Skip("compiles kernels of its own")
			}
			m, err := OpenFS(files, "tiny", append(c.open, WithBackend("webgpu"), WithRoom(256))...)
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			var before, after runtime.MemStats
			options := append(c.draw, WithIgnoreEOS(), WithMaxTokens(to+1))
			for range 2 { // the first time kernels are compiled and pages made
				made := 0
				for _, err := range m.GenerateIDs(ctx, []int32{0}, options...) {
					if err != nil {
						t.Fatal(err)
					}
					switch made++; made {
					case from:
						runtime.ReadMemStats(&before)
					case to:
						runtime.ReadMemStats(&after)
					}
				}
			}
			if n := after.Mallocs - before.Mallocs; n != 0 {
				t.Errorf("%d allocations in %d tokens", n, to-from)
			}
		})
	}
}

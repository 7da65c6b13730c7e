package backendtest

import (
	"fmt"

	"github.com/lrun/lrun/backend"
)

func sampleCases() []Case {
	var all []Case
	for _, vocab := range []int{1, 2, 255, 257, 5000, 151936} {
		all = append(all, logProb(1, vocab), logProb(3, vocab),
			sample(vocab, backend.Sample{}),
			sample(vocab, backend.Sample{Repetition: 1.3, Presence: 0.4, Frequency: 0.2}),
			sample(vocab, backend.Sample{Temperature: 0.8}),
			sample(vocab, backend.Sample{Temperature: 1.5, TopK: 1}),
			sample(vocab, backend.Sample{Temperature: 1, TopK: 40}),
			sample(vocab, backend.Sample{Temperature: 1, TopP: 0.9}),
			sample(vocab, backend.Sample{Temperature: 1, TopP: 0.001}),
			sample(vocab, backend.Sample{Temperature: 2, TopP: 0.9999}),
			sample(vocab, backend.Sample{Temperature: 1, MinP: 0.1}),
			sample(vocab, backend.Sample{Temperature: 0.7, TopK: 50, TopP: 0.8, MinP: 0.02, Repetition: 1.1, Frequency: 0.1}))
	}
	return append(all, ties())
}

func logProb(tokens, vocab int) Case {
	return Case{"log_prob", fmt.Sprintf("%d rows of %d", tokens, vocab), single, false, func(r *rig) {
		logits, ids := r.normal(tokens, vocab, 4), r.below(tokens, vocab)
		if tokens > 1 {
			ids[tokens-1] = uint32(vocab)
		}
		targets, dst := r.words(1, tokens, ids), r.empty(tokens, 1)
		r.do(func(o backend.Ops) { o.LogProb(dst, logits, targets) })
		r.show("y", dst)
		r.results[0].floor = 1
	}}
}

// sample draws several tokens, each step's id counted for the next.
func sample(vocab int, a backend.Sample) Case {
	name := fmt.Sprintf("vocab %d temperature %g k %d p %g min %g penalties %g %g %g", vocab, a.Temperature, a.TopK, a.TopP,
		a.MinP, a.Repetition, a.Presence, a.Frequency)
	return Case{"sample", name, single, false, func(r *rig) {
		const steps = 12
		logits, dst := r.normal(1, vocab, 3), r.empty(steps, 2)
		counts := make([]uint32, vocab)
		for _, id := range r.below(20, vocab) {
			counts[id] = 1<<31 | uint32(r.rand.IntN(3))
		}
		b := a
		b.Next = r.empty(1, 1)
		if a.Repetition > 0 {
			b.Counts = r.words(1, vocab, counts)
		}
		b.Seed = uint32(r.rand.Uint64())
		r.do(func(o backend.Ops) {
			for step := range steps {
				b.Step = uint32(step)
				o.Sample(dst.Slice(step, 1), logits, b)
			}
		})
		r.showSamples(dst)
		r.showIDs("next", b.Next)
		if a.Repetition > 0 {
			r.showIDs("counts", b.Counts)
		}
	}}
}

// showSamples adds ids and their log-probabilities to the results.
func (r *rig) showSamples(dst backend.Tensor) {
	r.t.Helper()
	r.show("samples", dst)
	last := len(r.results) - 1
	ids, logs := result{name: "ids", exact: true}, result{name: "log-probabilities", floor: 1}
	for _, row := range r.results[last].rows {
		ids.rows, logs.rows = append(ids.rows, row[:1]), append(logs.rows, row[1:])
	}
	r.results = append(r.results[:last], ids, logs)
}

// ties has several largest logits: the lowest id wins, and top-k keeps all that tie with its last.
func ties() Case {
	return Case{"sample", "ties", single, false, func(r *rig) {
		values := make([]float32, 3000)
		for _, i := range []int{700, 701, 2999, 1234} {
			values[i] = 2.5
		}
		logits, dst := r.floats(1, len(values), values), r.empty(9, 2)
		r.do(func(o backend.Ops) {
			o.Sample(dst.Slice(0, 1), logits, backend.Sample{})
			for step := 1; step < 9; step++ {
				o.Sample(dst.Slice(step, 1), logits, backend.Sample{Temperature: 1, TopK: 2, Seed: 7, Step: uint32(step)})
			}
		})
		r.showSamples(dst)
	}}
}

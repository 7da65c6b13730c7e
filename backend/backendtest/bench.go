package backendtest

import (
	"context"
	"fmt"
	"testing"

	"github.com/lrun/lrun/backend"
)

// load is an operation to time: run makes its operands and returns how to record it once, what it moves or computes, and
// in which unit that is counted.
type load struct {
	name string
	run  func(*rig) (record func(backend.Ops), amount float64, unit string)
}

// repeats is how often an operation is recorded in one step, so that submitting and waiting is spread thin.
const repeats = 200

// Benchmark times the matrix and attention operations at the shapes of a model of a billion parameters. Matrices read
// once (one token) count bytes, products in tiles multiply-adds, attention keys.
func Benchmark(b *testing.B, subject backend.Backend) {
	b.Logf("on %s", subject.Adapter())
	for _, l := range loads() {
		b.Run(l.name, func(b *testing.B) {
			r := newRig(b, subject, l.name)
			defer r.close()
			record, amount, unit := l.run(r)
			step := func() {
				r.do(func(o backend.Ops) {
					for range repeats {
						record(o)
					}
				})
				r.must(subject.Sync(context.Background()))
			}
			step() // compiles the kernel
			for b.Loop() {
				step()
			}
			seconds := b.Elapsed().Seconds() / float64(b.N) / repeats
			b.ReportMetric(seconds*1e6, "µs/call")
			b.ReportMetric(amount/seconds/1e9, unit)
			b.ReportMetric(0, "ns/op")
		})
	}
}

func loads() []load {
	var all []load
	for _, d := range formats {
		for _, tokens := range []int{1, 4, 64, 512} {
			all = append(all, linearLoad(d, tokens, 2048, 2048))
		}
	}
	all = append(all, linearLoad(backend.BF16, 1, 128256, 2048), gateUpLoad(1), gateUpLoad(512))
	for _, tokens := range []int{1, 512} {
		for _, keys := range []int{512, 8192, 32768} {
			all = append(all, attendLoad(backend.F16, tokens, keys), attendLoad(backend.Q8, tokens, keys))
		}
	}
	all = append(all, lookupLoad(1000), lookupLoad(31000))
	for _, tokens := range []int{1, 256} {
		all = append(all, convLoad(tokens, 1536), selectiveScanLoad(tokens, 1536, 16), rglruLoad(tokens, 2560),
			ssdLoad("mamba2", tokens, backend.SSD{Heads: 24, Groups: 1, State: 128}, 64),
			ssdLoad("lightning", tokens, backend.SSD{Heads: 8, Groups: 8, State: 64}, 64))
	}
	return append(all, sampleLoad(backend.Sample{}), sampleLoad(backend.Sample{Temperature: 1, TopK: 50, TopP: 0.9}))
}

// amount is what a product of tokens with a matrix is counted in.
func amount(m *backend.Matrix, tokens int) (float64, string) {
	if tokens == 1 {
		return float64(m.Rows * m.RowBytes()), "GB/s"
	}
	return float64(m.Rows * m.Cols * tokens), "Gmadd/s"
}

// blank is a matrix of zeros: contents do not matter to speed.
func (r *rig) blank(d backend.DType, rows, cols, group int) *backend.Matrix {
	m, err := r.b.NewMatrix(d, rows, cols, group)
	r.must(err)
	r.release = append(r.release, m.Release)
	return m
}

func linearLoad(d backend.DType, tokens, rows, cols int) load {
	return load{fmt.Sprintf("linear/%s/%dx%dx%d", d, tokens, rows, cols), func(r *rig) (func(backend.Ops), float64, string) {
		x, w, dst := r.empty(tokens, cols), r.blank(d, rows, cols, 1), r.empty(tokens, rows)
		n, unit := amount(w, tokens)
		return func(o backend.Ops) { o.Linear(dst, x, w, backend.Linear{}) }, n, unit
	}}
}

func gateUpLoad(tokens int) load {
	return load{fmt.Sprintf("gate_up/F16/%dx8192x2048", tokens), func(r *rig) (func(backend.Ops), float64, string) {
		x, w, dst := r.empty(tokens, 2048), r.blank(backend.F16, 16384, 2048, 2), r.empty(tokens, 8192)
		n, unit := amount(w, tokens)
		return func(o backend.Ops) { o.GateUp(dst, x, w, backend.GateUp{Act: backend.SiLU}) }, n, unit
	}}
}

// attendLoad is 32 heads of 64 over 8 KV heads.
func attendLoad(d backend.DType, tokens, keys int) load {
	return load{fmt.Sprintf("attend/%s/%d at %d keys", d, tokens, keys), func(r *rig) (func(backend.Ops), float64, string) {
		const heads, kvHeads, dim, page = 32, 8, 64, 64
		kv := r.emptyCache(d, keys/page, page, kvHeads, dim)
		list := make([]uint32, keys/page)
		for i := range list {
			list[i] = uint32(i)
		}
		v := backend.View{Pos: keys - tokens, Segments: []backend.Segment{{Pages: list, Count: keys, Causal: true}}}
		v.Table = r.empty(1, v.Words())
		q, dst := r.empty(tokens, heads*dim), r.empty(tokens, heads*dim)
		record := func(o backend.Ops) { o.Attend(dst, q, kv, v, backend.Attend{Heads: heads, Scale: 0.125}) }
		return record, float64(heads*dim*2) * float64(tokens) * (float64(keys) - float64(tokens)/2), "Gmadd/s"
	}}
}

func sampleLoad(a backend.Sample) load {
	name := fmt.Sprintf("sample/vocab 151936 temperature %g k %d p %g", a.Temperature, a.TopK, a.TopP)
	return load{name, func(r *rig) (func(backend.Ops), float64, string) {
		logits, dst := r.normal(1, 151936, 3), r.empty(1, 2)
		return func(o backend.Ops) { o.Sample(dst, logits, a) }, 151936, "Glogits/s"
	}}
}

// lookupLoad chooses 16 of some blocks for a chunk of 128 tokens with 4 heads of 64.
func lookupLoad(blocks int) load {
	return load{fmt.Sprintf("lookup/%d blocks", blocks), func(r *rig) (func(backend.Ops), float64, string) {
		const tokens, heads, dim, k = 128, 4, 64, 16
		reps, err := r.b.NewKeys(backend.F16, (blocks+63)/64, 64, heads, dim)
		r.must(err)
		r.release = append(r.release, reps.Release)
		list := make([]uint32, reps.Pages)
		for i := range list {
			list[i] = uint32(i)
		}
		from := backend.View{Segments: []backend.Segment{{Pages: list, Count: blocks}, {Pages: make([]uint32, 64)}}}
		from.Table = r.empty(1, from.Words())
		view := backend.View{Segments: []backend.Segment{{Pages: make([]uint32, k)}}}
		view.Table = r.empty(1, view.Words())
		a := backend.Lookup{Heads: heads, Picks: r.empty(1, k), Cached: true, Missed: r.empty(1, 1), Mark: 1, View: view}
		q := r.normal(tokens, heads*dim, 1)
		return func(o backend.Ops) { o.Lookup(q, reps, reps, from, a) }, float64(reps.PageBytes() * reps.Pages), "GB/s"
	}}
}

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
			all = append(all, attendLoad(tokens, keys))
		}
	}
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

// attendLoad is 32 heads of 64 over 8 KV heads in f16.
func attendLoad(tokens, keys int) load {
	return load{fmt.Sprintf("attend/%d at %d keys", tokens, keys), func(r *rig) (func(backend.Ops), float64, string) {
		const heads, kvHeads, dim, page = 32, 8, 64, 64
		kv := r.emptyCache(backend.F16, keys/page, page, kvHeads, dim)
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

// moved is what a scan that keeps its state on the chip reads and writes: for one token the state counts, for many what it
// computes.
func moved(tokens, elements int, states backend.Tensor) (float64, string) {
	if tokens == 1 {
		return float64(2 * 4 * states.Rows * states.Cols), "GB/s"
	}
	return float64(elements), "Gupdates/s"
}

func convLoad(tokens, channels int) load {
	return load{fmt.Sprintf("conv/%dx%d", tokens, channels), func(r *rig) (func(backend.Ops), float64, string) {
		x, dst := r.empty(tokens, channels), r.empty(tokens, channels)
		a := backend.Conv{Weight: r.empty(4, channels), Act: backend.SiLU, From: r.empty(3, channels), To: r.empty(3, channels)}
		return func(o backend.Ops) { o.Conv(dst, x, a) }, float64(4 * tokens * channels), "Gmadd/s"
	}}
}

func selectiveScanLoad(tokens, channels, states int) load {
	return load{fmt.Sprintf("selective_scan/%dx%dx%d", tokens, channels, states), func(r *rig) (func(backend.Ops), float64, string) {
		x, dst, delta := r.empty(tokens, channels), r.empty(tokens, channels), r.empty(tokens, channels)
		a := backend.SelectiveScan{Delta: delta, BC: r.empty(tokens, 2*states), AD: r.empty(states+1, channels),
			From: r.empty(states, channels), To: r.empty(states, channels)}
		n, unit := moved(tokens, tokens*channels*states, a.From)
		return func(o backend.Ops) { o.SelectiveScan(dst, x, a) }, n, unit
	}}
}

func rglruLoad(tokens, channels int) load {
	return load{fmt.Sprintf("rglru/%dx%d", tokens, channels), func(r *rig) (func(backend.Ops), float64, string) {
		x, dst := r.empty(tokens, channels), r.empty(tokens, channels)
		a := backend.RGLRU{Gates: r.empty(tokens, 2*channels), RecurrenceFirst: channels, Lambda: r.empty(1, channels),
			From: r.empty(1, channels), To: r.empty(1, channels)}
		n, unit := moved(tokens, tokens*channels, a.From)
		return func(o backend.Ops) { o.RGLRU(dst, x, a) }, n, unit
	}}
}

func ssdLoad(form string, tokens int, a backend.SSD, width int) load {
	name := fmt.Sprintf("ssd/%s %d by %d heads of %dx%d", form, tokens, a.Heads, width, a.State)
	return load{name, func(r *rig) (func(backend.Ops), float64, string) {
		cols := a.Heads * width
		x, dst := r.empty(tokens, cols+2*a.Groups*a.State), r.empty(tokens, cols)
		a.A, a.From, a.To = r.empty(1, a.Heads), r.empty(cols, a.State), r.empty(cols, a.State)
		n, unit := moved(tokens, tokens*cols*a.State, a.From)
		return func(o backend.Ops) { o.SSD(dst, x, a) }, n, unit
	}}
}

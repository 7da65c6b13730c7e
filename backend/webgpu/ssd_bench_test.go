//go:build cgo && !nogpu && ((linux && amd64) || (darwin && (amd64 || arm64)) || (windows && amd64))

package webgpu

import (
	"context"
	"testing"

	"github.com/lrun/lrun/backend"
)

// duality is state space duality on a device: its operands, and a state that goes on from call to call.
type duality struct {
	b      *testing.B
	d      *device
	a      backend.SSD
	x, dst backend.Tensor
	record func(s *step, dst, x backend.Tensor, a backend.SSD)
}

// newDuality has operands of zeros for steps of up to tokens: contents do not matter to speed.
func newDuality(b *testing.B, a backend.SSD, width, tokens int) *duality {
	u := &duality{b: b, d: testDevice(b), a: a, record: (*step).SSD}
	u.a.A, u.a.From, u.a.To = u.tensor(1, a.Heads), u.tensor(a.Heads*width, a.State), u.tensor(a.Heads*width, a.State)
	if a.Groups < a.Heads { // Mamba-2's form; lightning attention has neither
		u.a.Delta, u.a.DeltaBias, u.a.D = u.tensor(tokens, a.Heads), u.tensor(1, a.Heads), u.tensor(1, a.Heads)
	}
	u.x, u.dst = u.tensor(tokens, a.Heads*width+2*a.Groups*a.State), u.tensor(tokens, a.Heads*width)
	return u
}

func (u *duality) tensor(rows, cols int) backend.Tensor {
	t, err := u.d.NewTensor(rows, cols)
	if err != nil {
		u.b.Fatal(err)
	}
	u.b.Cleanup(t.Buf.Release)
	return t
}

// run takes tokens tokens in calls of each, so many calls a step, and waits.
func (u *duality) run(tokens, each, calls int) {
	for tokens > 0 {
		err := u.d.Do(func(o backend.Ops) {
			for i := 0; i < calls && tokens > 0; i++ {
				u.record(o.(*step), u.dst.Slice(0, each), u.x.Slice(0, each), u.a)
				u.a.From, u.a.To = u.a.To, u.a.From
				tokens -= each
			}
		})
		if err != nil {
			u.b.Fatal(err)
		}
	}
	if err := u.d.Sync(context.Background()); err != nil {
		u.b.Fatal(err)
	}
}

// BenchmarkSSD times what a token costs by state space duality: in tiles, and in three ways of taking one token after the
// other.
func BenchmarkSSD(b *testing.B) {
	for _, shape := range []struct {
		name  string
		a     backend.SSD
		width int
	}{
		{"mamba2", backend.SSD{Heads: 24, Groups: 1, State: 128}, 64},
		{"lightning", backend.SSD{Heads: 8, Groups: 8, State: 64}, 64},
	} {
		for _, way := range []struct {
			name                string
			tokens, each, calls int
			record              func(s *step, dst, x backend.Tensor, a backend.SSD)
		}{
			{"steps of 256", 4096, 256, 1, (*step).SSD},
			{"steps of 256 from 0 to 1k", 1024, 256, 1, (*step).SSD},
			{"steps of 256 from 0 to 64k", 1 << 16, 256, 1, (*step).SSD},
			{"steps of 1", 4096, 1, 1, (*step).SSD},
			{"256 dispatches of 1 a step", 4096, 1, 256, (*step).SSD},
			{"one after the other in steps of 256", 4096, 256, 1, (*step).ssdVec},
		} {
			b.Run(shape.name+"/"+way.name, func(b *testing.B) {
				u := newDuality(b, shape.a, shape.width, way.each)
				u.record = way.record
				u.run(way.each, way.each, 1) // compiles the kernel
				for b.Loop() {
					u.run(way.tokens, way.each, way.calls)
				}
				b.ReportMetric(b.Elapsed().Seconds()/float64(b.N*way.tokens)*1e6, "µs/token")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

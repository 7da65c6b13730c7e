package model

import (
	"context"
	"testing"

	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/memory"
)

// collector fetches every block of logits to the host.
type collector struct {
	t     *testing.T
	b     backend.Backend
	reads []backend.Readback
}

func (c *collector) Logits(o backend.Ops, _ int, logits backend.Tensor) {
	r, err := c.b.NewReadback(logits.Rows * logits.Cols * 4)
	if err != nil {
		c.t.Error(err)
		return
	}
	c.reads = append(c.reads, r)
	o.Fetch(r, logits)
}

// forward appends ids to a sequence and returns their logits.
func forward(t *testing.T, m *Model, b backend.Backend, seq *memory.Sequence, ids []int32) []float32 {
	t.Helper()
	c := &collector{t: t, b: b}
	if err := m.Forward(seq, Input{IDs: ids, Rows: AllRows}, c); err != nil {
		t.Fatal(err)
	}
	var all []float32
	for _, r := range c.reads {
		data, err := r.Wait(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, floats(data)...)
		r.Release()
	}
	return all
}

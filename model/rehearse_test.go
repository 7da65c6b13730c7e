package model

import (
	"testing"

	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/backend/cpu"
	"github.com/lrun/lrun/internal/testkit"
	"github.com/lrun/lrun/weights"
)

// stage is a CPU backend that notes what it is asked to prepare, and that weights came.
type stage struct {
	backend.Backend
	prepared []int // tokens of each step
	early    int   // steps prepared before the first weight came
	wrote    bool
}

func (s *stage) Prepare(record func(backend.Ops)) error {
	return s.Do(func(o backend.Ops) { record(&tokenCounter{Ops: o, stage: s}) })
}

func (s *stage) WriteRows(m *backend.Matrix, first int, data []byte) error {
	if !s.wrote {
		s.wrote, s.early = true, len(s.prepared)
	}
	return s.Backend.WriteRows(m, first, data)
}

// tokenCounter notes how many tokens a step embeds.
type tokenCounter struct {
	backend.Ops
	stage *stage
}

func (c *tokenCounter) Embed(dst backend.Tensor, a backend.Embed) {
	c.stage.prepared = append(c.stage.prepared, dst.Rows)
	c.Ops.Embed(dst, a)
}

// Ensure that loading rehearses a short prompt, a single token and a chunk, before weights are uploaded.
func TestLoadRehearsesBeforeWeights(t *testing.T) {
	dir := testkit.Testdata("tiny")
	ckpt, err := weights.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer ckpt.Close()
	s := &stage{Backend: cpu.Open()}
	m, err := Load(s, declared(t, dir), ckpt, Options{Chunk: 100})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	want := []int{16, 1, 100}
	if len(s.prepared) != len(want) || s.early != len(want) {
		t.Fatalf("steps of %v tokens were prepared, %d before the weights; want %v before", s.prepared, s.early, want)
	}
	for i := range want {
		if s.prepared[i] != want[i] {
			t.Errorf("step %d is of %d tokens, want %d", i, s.prepared[i], want[i])
		}
	}
}

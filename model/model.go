package model

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/memory"
	"github.com/lrun/lrun/weights"
)

// Options are the choices in running a model. The zero value means the defaults.
type Options struct {
	Chunk    int                     // tokens a step of prefill takes; 0: the backend's
	KV       backend.DType           // of the cache: F32 (the default), F16 or Q8
	Quant    backend.DType           // Q8 or Q4: how matrices are stored; else as in the checkpoint
	Memory   memory.Policy           // which tokens a query sees; nil: memory.Full
	Room     int                     // tokens of a sequence for which memory is taken at once; 0: for a chunk
	Progress func(done, total int64) // called while weights are uploaded, with bytes
}

// Model is a network on a backend, with the cache of its sequences.
type Model struct {
	Spec *Spec

	b       backend.Backend
	net     *network
	release []func()
	policy  memory.Policy
	chunk   int               // tokens of a step
	rows    int               // of a block of logits
	whole   func(backend.Ops) // atOnce, bound once: a step is to allocate nothing

	mu      sync.Mutex // guards all below, and the step that uses them
	scratch *scratch
	pool    *memory.Pool
	closed  bool
	spare   []backend.Readback // for pages on their way to the host
}

var errClosed = errors.New("the model is closed")

// logitBytes bounds the memory of one block of logits.
const logitBytes = 32 << 20

// Load puts a checkpoint's tensors on the backend. An error names the tensor that is missing or misshapen, before
// anything is uploaded; later ones are the device's.
func Load(b backend.Backend, s *Spec, ckpt *weights.Checkpoint, o Options) (*Model, error) {
	if err := s.Learn(ckpt); err != nil {
		return nil, err
	}
	if err := s.fits(b, o.KV); err != nil {
		return nil, err
	}
	quant, err := Quant(ckpt, o.Quant)
	if err != nil {
		return nil, err
	}
	l := &loader{b: b, ckpt: ckpt, base: s.Base, quant: quant, progress: o.Progress}
	m := &Model{Spec: s, b: b, net: newNetwork(s, l), chunk: o.Chunk, policy: o.Memory}
	m.whole = m.atOnce
	if m.chunk <= 0 {
		m.chunk = b.Chunk()
	}
	if m.policy == nil {
		m.policy = memory.Full{}
	}
	if n := m.policy.Chunk(); n > 0 {
		m.chunk = n
	}
	if s.StepEnd > 0 {
		m.chunk = min(m.chunk, s.StepEnd)
	}
	for _, r := range s.Ropes() {
		if most := r.MostAtOnce(); most > 0 {
			m.chunk = min(m.chunk, most)
		}
	}
	err = l.make()
	m.release = l.release
	if err == nil {
		m.rows = min(m.chunk, max(1, logitBytes/(4*backend.Stride(s.Vocab))))
		m.scratch, err = newScratch(b, s, m.chunk, m.rows, m.policy)
	}
	if err == nil {
		m.pool, err = memory.NewPool(b, o.KV, s.kvShapes(), m.policy, max(o.Room, min(s.Context, m.chunk)))
	}
	if err == nil {
		err = m.rehearse()
	}
	if err == nil {
		err = l.run()
	}
	if err != nil {
		m.Close()
		return nil, err
	}
	return m, nil
}

// kvShapes are the caches of the layers.
func (s *Spec) kvShapes() []memory.Shape {
	var shapes []memory.Shape
	for i := range s.Layers {
		a := &s.Layers[i].Attention
		shapes = append(shapes, memory.Shape{Heads: a.Heads, KVHeads: a.KVHeads, HeadDim: a.HeadDim, Window: a.Window, States: s.Layers[i].states()})
	}
	return shapes
}

// fits refuses heads that the backend has no room for, and caches that would lose the keys: turned anew with every token,
// halves are rounded away (by 0.15 in the logits after 600 tokens of a model of one layer; 6e-6 with f32).
func (s *Spec) fits(b backend.Backend, kv backend.DType) error {
	for _, r := range s.Ropes() {
		if r.Unsettled() && kv != backend.F32 {
			return fmt.Errorf("the rope (%s) turns cached keys anew with every token, which %s cannot hold: use a cache of f32", r.Summary(), kv)
		}
	}
	for i := range s.Layers {
		if d := s.Layers[i].Attention.HeadDim; d > b.MaxHeadDim() {
			return fmt.Errorf("layer %d has heads of %d channels; the backend %s takes at most %d: use another backend", i, d, b.Name(), b.MaxHeadDim())
		}
	}
	return nil
}

// Close gives all memory back. Sequences must not be used afterwards; Forward returns an error.
func (m *Model) Close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	if m.pool != nil {
		m.pool.Release()
	}
	if m.scratch != nil {
		m.scratch.free()
	}
	for _, r := range m.spare {
		r.Release()
	}
	for _, r := range m.release {
		r()
	}
	m.spare = nil
	m.pool, m.scratch, m.release = nil, nil, nil
}

// NewSequence is an empty sequence in the model's cache.
func (m *Model) NewSequence() (*Sequence, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil, errClosed
	}
	seq, err := m.pool.NewSequence()
	if err != nil {
		return nil, err
	}
	s := &Sequence{Sequence: seq, stepEnd: m.Spec.StepEnd, stages: make([]int, len(m.scratch.ropes))}
	if s.surprise, err = m.newSurprise(); err != nil {
		seq.Release()
		return nil, err
	}
	return s, nil
}

// Alone reports whether the last token of a prompt is best read alone: it may look up what it does not see.
func (m *Model) Alone() bool { return m.policy.Alone() }

// Ahead is how many steps of a sequence it pays to submit before the result of the first is read: none where a step may
// have to wait for blocks.
func (m *Model) Ahead(seq *Sequence) int {
	if !seq.Resident() || seq.traced {
		return 0
	}
	return m.b.Ahead()
}

// Chunk is the largest number of tokens that Forward takes.
func (m *Model) Chunk() int { return m.chunk }

// LogitRows is the largest number of tokens whose logits come in one block.
func (m *Model) LogitRows() int { return m.rows }

// Drop truncates a sequence to its first n tokens and gives the pages back. Where what these need is no longer held, it
// empties the sequence.
func (m *Model) Drop(seq *Sequence, n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.closed && n < seq.Len() {
		m.settle(context.Background(), seq) // an error comes again with the next step
		seq.take(n)
	}
}

// Release gives a sequence's memory back; it must not be used afterwards.
func (m *Model) Release(seq *Sequence) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.closed {
		seq.cancel()
		seq.surprise.release()
		seq.Sequence.Release()
	}
}

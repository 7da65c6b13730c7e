package model

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/memory"
)

// saved describes a sequence in a file; the contents of pages, tensors and records follow it.
type saved struct {
	memory.Saved
	Stages    []int
	Surprised bool // the logits after the last token are saved
}

// mostDescription bounds the description of a sequence in a file.
const mostDescription = 1 << 30

// Save writes a sequence: what Restore needs to go on with it as if nothing had been between.
func (m *Model) Save(ctx context.Context, seq *Sequence, w io.Writer) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return errClosed
	}
	if err := m.settle(ctx, seq); err != nil {
		return err
	}
	v, pages, reps := seq.Sequence.Save()
	head, err := json.Marshal(saved{v, seq.stages, seq.surprise != nil && seq.surprise.valid})
	if err != nil {
		return err
	}
	if _, err := w.Write(append(binary.LittleEndian.AppendUint64(nil, uint64(len(head))), head...)); err != nil {
		return err
	}
	if err := m.savePages(ctx, w, pages, m.pool.Layer); err != nil {
		return err
	}
	if err := m.savePages(ctx, w, reps, m.pool.Representatives); err != nil {
		return err
	}
	for _, t := range m.kept(seq) {
		words, err := m.fetch(ctx, t)
		if err != nil {
			return err
		}
		if err := binary.Write(w, binary.LittleEndian, words); err != nil {
			return err
		}
	}
	return seq.Records(func(data []byte) error {
		_, err := w.Write(data)
		return err
	})
}

// kept are the tensors that a sequence has of its own.
func (m *Model) kept(seq *Sequence) []backend.Tensor {
	var all []backend.Tensor
	for i := range m.net.layers {
		_, states := seq.States(i)
		all = append(all, states...)
		if t := seq.Mass(i); !t.IsNone() {
			all = append(all, t)
		}
	}
	if s := seq.surprise; s != nil {
		all = append(all, s.logProb, s.last)
	}
	return all
}

// savePages writes the contents of pages, all layers of one after another.
func (m *Model) savePages(ctx context.Context, w io.Writer, pages []uint32, layer func(int) *backend.KV) error {
	if len(pages) == 0 {
		return nil
	}
	for i := range m.net.layers {
		kv := layer(i)
		if kv == nil {
			continue
		}
		r, err := m.b.NewReadback(kv.WholePageBytes())
		if err != nil {
			return err
		}
		for _, page := range pages {
			if err = m.b.Do(func(o backend.Ops) { o.FetchPage(r, kv, page) }); err != nil {
				break
			}
			var data []byte
			if data, err = r.Wait(ctx); err == nil {
				_, err = w.Write(data)
			}
			if err != nil {
				break
			}
		}
		r.Release()
		if err != nil {
			return err
		}
	}
	return nil
}

// Restore reads a sequence that Save wrote, of this model with the same options. An error says what cannot be.
func (m *Model) Restore(ctx context.Context, r io.Reader) (*Sequence, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil, errClosed
	}
	var v saved
	if err := readDescription(r, &v); err != nil {
		return nil, err
	}
	if len(v.Stages) != len(m.scratch.ropes) {
		return nil, fmt.Errorf("%d ropes, the model has %d", len(v.Stages), len(m.scratch.ropes))
	}
	inner, pages, reps, err := m.pool.Restore(v.Saved)
	if err != nil {
		return nil, err
	}
	seq := &Sequence{Sequence: inner, stepEnd: m.Spec.StepEnd, stages: v.Stages}
	if seq.surprise, err = m.newSurprise(); err == nil {
		err = m.restore(ctx, seq, &v, pages, reps, r)
	}
	if err != nil {
		seq.surprise.release()
		inner.Release()
		return nil, err
	}
	return seq, nil
}

func readDescription(r io.Reader, v *saved) error {
	var n uint64
	if err := binary.Read(r, binary.LittleEndian, &n); err != nil {
		return err
	}
	if n > mostDescription {
		return fmt.Errorf("a description of %d bytes", n)
	}
	head, err := io.ReadAll(io.LimitReader(r, int64(n)))
	if err != nil {
		return err
	}
	if uint64(len(head)) < n {
		return io.ErrUnexpectedEOF
	}
	return json.Unmarshal(head, v)
}

// restore reads what follows the description.
func (m *Model) restore(ctx context.Context, seq *Sequence, v *saved, pages, reps []uint32, r io.Reader) error {
	if err := m.restorePages(ctx, r, pages, m.pool.Layer); err != nil {
		return err
	}
	if err := m.restorePages(ctx, r, reps, m.pool.Representatives); err != nil {
		return err
	}
	for _, t := range m.kept(seq) {
		words := make([]uint32, t.Rows*t.Cols)
		if err := binary.Read(r, binary.LittleEndian, words); err != nil {
			return err
		}
		if err := m.b.Do(func(o backend.Ops) { o.Write(t, words) }); err != nil {
			return err
		}
	}
	if seq.surprise != nil {
		seq.surprise.valid = v.Surprised
	}
	if v.Stored > 0 && seq.RecordBytes() == 0 {
		return errors.New("blocks in host memory, which the memory's options do not allow")
	}
	data := make([]byte, seq.RecordBytes())
	for range v.Stored * m.pool.Caches() {
		if _, err := io.ReadFull(r, data); err != nil {
			return err
		}
		if err := seq.Restored(data); err != nil {
			return err
		}
	}
	return m.b.Sync(ctx)
}

// restorePages reads the contents of pages.
func (m *Model) restorePages(ctx context.Context, r io.Reader, pages []uint32, layer func(int) *backend.KV) error {
	if len(pages) == 0 {
		return nil
	}
	for i := range m.net.layers {
		kv := layer(i)
		if kv == nil {
			continue
		}
		data := make([]byte, kv.WholePageBytes())
		for _, page := range pages {
			if _, err := io.ReadFull(r, data); err != nil {
				return err
			}
			if err := m.b.Do(func(o backend.Ops) { o.WritePage(kv, page, data) }); err != nil {
				return err
			}
		}
		if err := m.b.Sync(ctx); err != nil {
			return err
		}
	}
	return nil
}

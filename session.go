package lrun

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/memory"
	"github.com/lrun/lrun/model"
)

// Session is a text that grows: its tokens stay in the cache, so that each turn reads only what is new. A session serves
// one call at a time; others get an error. Close gives its memory back.
type Session struct {
	m   *Model
	seq *model.Sequence
	ids []int32 // the text so far; the cache holds a prefix of it

	busy   sync.Mutex // held by the call that uses the session
	text   sync.Mutex // guards ids against IDs; the call that holds busy may read them without
	device deviceState
	draft  *Session // guesses what follows, with another model; nil until it is asked to
}

// deviceState is what sampling keeps on the device.
type deviceState struct {
	next   backend.Tensor // u32 [1][1]: the id drawn last, the next step's input
	drawn  backend.Tensor // [1 + mostGuesses][2]: id and log-probability
	counts backend.Tensor // u32 [1][vocab], made when a penalty first asks for it
	reads  []backend.Readback
}

var (
	errBusy          = errors.New("the session is in use by another call")
	errSessionClosed = errors.New("the session is closed")
)

// NewSession starts an empty session.
func (m *Model) NewSession() (*Session, error) {
	seq, err := m.net.NewSequence()
	if err != nil {
		return nil, err
	}
	return m.session(seq, nil)
}

// session is one of a sequence, whose tokens are ids.
func (m *Model) session(seq *model.Sequence, ids []int32) (*Session, error) {
	s := &Session{m: m, seq: seq, ids: ids}
	if err := s.device.make(m.backend); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// make makes what sampling needs.
func (d *deviceState) make(b backend.Backend) (err error) {
	if d.next, err = b.NewTensor(1, 1); err != nil {
		return err
	}
	if d.drawn, err = b.NewTensor(1+mostGuesses, 2); err != nil {
		return err
	}
	for range b.Ahead() + 1 {
		r, err := b.NewReadback(drawnBytes * (1 + mostGuesses))
		if err != nil {
			return err
		}
		d.reads = append(d.reads, r)
	}
	return nil
}

// Fork is another session with the same text. They share their cache until they part, so that it costs little: to ask a
// question of a long text that is to go on as if nothing had been asked.
func (s *Session) Fork(ctx context.Context) (*Session, error) {
	if !s.busy.TryLock() {
		return nil, errBusy
	}
	defer s.busy.Unlock()
	if s.device.reads == nil {
		return nil, errSessionClosed
	}
	seq, err := s.m.net.Fork(ctx, s.seq)
	if err != nil {
		return nil, err
	}
	return s.m.session(seq, slices.Clone(s.ids))
}

// Feed appends tokens to the text and reads it, in whole chunks: what is left over is read with the next call, of this or of
// another method.
func (s *Session) Feed(ctx context.Context, ids []int32) error {
	if !s.busy.TryLock() {
		return errBusy
	}
	defer s.busy.Unlock()
	if len(ids) > 0 {
		if err := s.append(prompt{len(s.ids), ids}); err != nil {
			return err
		}
	}
	for {
		at := s.seq.Len()
		n := s.seq.Step(s.m.net.Chunk())
		if len(s.ids)-at <= n {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := s.m.net.Forward(ctx, s.seq, model.Input{IDs: s.ids[at : at+n], Length: len(s.ids)}, nil); err != nil {
			return err
		}
		if err := s.m.backend.Sync(ctx); err != nil {
			return err
		}
	}
}

// MemoryStats says where a session's tokens are, and what look-ups cost.
type MemoryStats struct {
	memory.Stats
	model.Work
	DeviceBytes int64 `json:"device_bytes"` // of the model and all its sessions
}

// Memory says where the session's tokens are now.
func (s *Session) Memory() MemoryStats {
	stats, work := s.m.net.Stats(s.seq)
	return MemoryStats{stats, work, s.m.backend.Memory()}
}

// Close gives the session's memory back. A second call does nothing.
func (s *Session) Close() error {
	if !s.busy.TryLock() {
		return errBusy
	}
	defer s.busy.Unlock()
	s.m.net.Release(s.seq)
	s.set(nil)
	for _, t := range []*backend.Tensor{&s.device.next, &s.device.drawn, &s.device.counts} {
		if !t.IsNone() {
			t.Buf.Release()
			*t = backend.Tensor{}
		}
	}
	for _, r := range s.device.reads {
		r.Release()
	}
	s.device.reads = nil
	return s.closeDraft()
}

// IDs are the tokens of the session so far, prompts and answers.
func (s *Session) IDs() []int32 {
	s.text.Lock()
	defer s.text.Unlock()
	return append([]int32(nil), s.ids...)
}

// set changes the text; only the call that holds busy does.
func (s *Session) set(ids []int32) {
	s.text.Lock()
	defer s.text.Unlock()
	s.ids = ids
}

// read takes all tokens that the cache lacks through the model, in chunks, the last of them with sink. It waits for each
// chunk but the last, so that a cancelled context stops between chunks. once says that sink must not be called again.
// progress, unless nil, hears of each chunk.
func (s *Session) read(ctx context.Context, sink model.Sink, once bool, progress func(done, total int)) error {
	first := s.seq.Len()
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		if progress != nil {
			progress(s.seq.Len()-first, len(s.ids)-first)
		}
		in := s.next(s.m.net.Chunk(), once)
		if in.Rows != model.NoRows {
			return s.m.net.Forward(ctx, s.seq, in, sink)
		}
		if err := s.m.net.Forward(ctx, s.seq, in, nil); err != nil {
			return err
		}
		if err := s.m.backend.Sync(ctx); err != nil {
			return err
		}
	}
}

// next is what of the text the session reads next, room tokens at most; once says that the sink of the logits after the last
// one must not be called again.
func (s *Session) next(room int, once bool) model.Input {
	at := s.seq.Len()
	n := s.seq.Step(min(room, len(s.ids)-at))
	if at+n == len(s.ids) && n > 1 && s.m.net.Alone() {
		n--
	}
	in := model.Input{IDs: s.ids[at : at+n], Length: len(s.ids)}
	if at+n == len(s.ids) {
		in.Rows, in.Recall, in.Once = model.LastRow, true, once
	}
	return in
}

// prompt is what a call adds to the session: the first keep tokens of the text stay, and ids come after them.
type prompt struct {
	keep int
	ids  []int32
}

// append makes the prompt part of the text, or says why it cannot be. The last token of the text before it may be missing
// from the cache; read sees to it.
func (s *Session) append(p prompt) error {
	if s.device.reads == nil {
		return errSessionClosed
	}
	if err := s.m.checkPrompt(p.ids, p.keep, 0); err != nil {
		return err
	}
	s.m.net.Drop(s.seq, p.keep)
	s.set(append(s.ids[:p.keep], p.ids...))
	return nil
}

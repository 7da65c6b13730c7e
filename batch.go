package lrun

import (
	"context"
	"errors"
	"iter"
	"sync"
	"time"

	"github.com/lrun/lrun/model"
	"github.com/lrun/lrun/tokenizer"
)

// Batch continues several sessions at once. Each of its steps reads what the sessions have next, parts of prompts and single
// tokens alike, packed one behind the other (continuous batching; Orca, OSDI 2022): the model's weights are read once for all
// of them, and no row is padding. Sessions join between steps, at any time, and leave when their generation is over. Texts
// are those that the sessions give alone, but that logits may differ in their last bits.
//
// Under a memory whose steps wait for what they look up, each session has steps of its own. A token is read back before the
// next step, so that a single session is faster with Session.Generate. WithLookup and WithDraft are errors.
type Batch struct {
	m *Model

	mu      sync.Mutex // guards members
	members []*member  // who waited longest first

	running  sync.Mutex
	readings []model.Reading // of the step at hand
	step     []*member
}

// BatchToken is a token of one of a batch's sessions.
type BatchToken struct {
	Session *Session
	Token
	Last bool // the session has left the batch, and its result is there
}

// member is a session in a batch.
type member struct {
	generation
	ctx   context.Context
	start time.Time
	first int     // tokens in the cache when it joined
	ready []Token // for the caller
}

// NewBatch is a batch without sessions.
func (m *Model) NewBatch() *Batch { return &Batch{m: m} }

// Add gives the session a text to continue, as Session.Generate does, in the batch's steps from the next one on. The session
// is in use until its last token, or until ctx is cancelled.
func (b *Batch) Add(ctx context.Context, s *Session, text string, options ...GenerateOption) error {
	return b.add(ctx, s, options, s.textPrompt(text))
}

// AddIDs is Add with a prompt of token ids, taken as they are.
func (b *Batch) AddIDs(ctx context.Context, s *Session, ids []int32, options ...GenerateOption) error {
	return b.add(ctx, s, options, s.idsPrompt(ids))
}

// AddChat is Add with a conversation, as Session.Chat takes it.
func (b *Batch) AddChat(ctx context.Context, s *Session, messages []tokenizer.Message, options ...GenerateOption) error {
	return b.add(ctx, s, options, s.chatPrompt(messages))
}

func (b *Batch) add(ctx context.Context, s *Session, options []GenerateOption, compose func() (prompt, error)) error {
	if s.m != b.m {
		return errors.New("the session is of another model than the batch")
	}
	if !s.busy.TryLock() {
		return errBusy
	}
	g := &member{ctx: ctx, start: time.Now()}
	g.generation = generation{s: s, before: len(s.ids), yield: g.keep}
	err := g.open(options, compose)
	if err == nil && g.o.speculation.tokens > 0 {
		err = errors.New("a batch guesses no tokens; leave out WithLookup and WithDraft, or use Session.Generate")
	}
	if err == nil {
		g.first = s.seq.Len()
		s.seq.Trace(g.o.trace != nil)
		err = g.prepare()
	}
	if err != nil {
		g.leave(err)
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.members = append(b.members, g)
	return nil
}

// keep takes a token for the caller.
func (g *member) keep(t Token, _ error) bool {
	g.ready = append(g.ready, t)
	return true
}

// leave ends the member's generation, and its use of the session.
func (g *member) leave(err error) {
	g.end(err)
	g.s.busy.Unlock()
}

var errRunning = errors.New("the batch is running already")

// Run takes steps until no session is left, also of those that join meanwhile, and yields tokens as they come, each session's
// in order. An error with a session ends that session's generation alone; one without, such as ctx's, ends all. So does a
// caller that stops reading.
func (b *Batch) Run(ctx context.Context) iter.Seq2[BatchToken, error] {
	return func(yield func(BatchToken, error) bool) {
		if !b.running.TryLock() {
			yield(BatchToken{}, errRunning)
			return
		}
		defer b.running.Unlock()
		for b.next() {
			err := b.read(ctx)
			if err == nil {
				err = b.receive(ctx, yield)
			}
			if err != nil {
				b.end(err)
			}
			if err != nil && err != errLeft {
				yield(BatchToken{}, err)
			}
			if err != nil {
				return
			}
		}
	}
}

// Close lets all sessions go that Run has not finished; their generations end as cancelled ones do. It is an error while the
// batch runs.
func (b *Batch) Close() error {
	if !b.running.TryLock() {
		return errRunning
	}
	defer b.running.Unlock()
	b.end(errLeft)
	return nil
}

// next chooses what the next step reads, who waited longest first, and reports whether there is anything.
func (b *Batch) next() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.readings, b.step = b.readings[:0], b.step[:0]
	room, together := b.m.net.Chunk(), b.m.net.Together()
	for _, g := range b.members {
		if room == 0 || len(b.step) > 0 && !together {
			break
		}
		in := g.s.next(room, g.penalises())
		if g.result.Generated > 0 {
			in.Length = 0 // it is no prompt's
		}
		g.step = g.result.Generated
		b.readings = append(b.readings, model.Reading{Seq: g.s.seq, Input: in, Sink: g})
		b.step, room = append(b.step, g), room-len(in.IDs)
	}
	b.members = append(b.members[len(b.step):], b.step...)
	return len(b.step) > 0
}

// read takes the step.
func (b *Batch) read(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, g := range b.step {
		if g.o.progress != nil && g.result.Generated == 0 {
			g.o.progress(g.s.seq.Len()-g.first, len(g.s.ids)-g.first)
		}
	}
	if err := b.m.net.Read(ctx, b.readings...); err != nil {
		return err
	}
	for i := range b.readings {
		if b.readings[i].Rows != model.NoRows {
			return nil
		}
	}
	return b.m.backend.Sync(ctx) // nothing else waits for the device
}

// receive gives the step's tokens to the caller, and lets members go whose generation is over.
func (b *Batch) receive(ctx context.Context, yield func(BatchToken, error) bool) error {
	for i, g := range b.step {
		over, err := false, g.ctx.Err()
		if err == nil && b.readings[i].Rows != model.NoRows {
			over, err = g.draw(ctx)
		}
		if cancelled := ctx.Err(); cancelled != nil {
			return cancelled
		}
		if err != nil {
			g.release()
		}
		if over || err != nil {
			b.remove(g, err)
		}
		for n, t := range g.ready {
			if !yield(BatchToken{g.s, t, over && n == len(g.ready)-1}, nil) {
				return errLeft
			}
		}
		g.ready = g.ready[:0]
		if err != nil && !yield(BatchToken{Session: g.s, Last: true}, err) {
			return errLeft
		}
	}
	return nil
}

// draw takes the token that the step has drawn, and reports whether it is the last.
func (g *member) draw(ctx context.Context) (over bool, err error) {
	g.look()
	made := g.result.Generated
	drawn, err := g.receive(ctx, made)
	if err != nil {
		return false, err
	}
	token, err := g.add(drawn)
	if err != nil {
		return false, err
	}
	since := time.Since(g.start)
	if made == 0 {
		g.result.Prefill = since
	}
	g.result.Decode = since - g.result.Prefill
	return g.take(token, made+1 == g.limit), nil
}

// remove lets a member go.
func (b *Batch) remove(g *member, err error) {
	b.mu.Lock()
	for i := range b.members {
		if b.members[i] == g {
			b.members = append(b.members[:i], b.members[i+1:]...)
			break
		}
	}
	b.mu.Unlock()
	g.leave(err)
}

// end lets all members go.
func (b *Batch) end(err error) {
	if err == errLeft {
		err = context.Canceled
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, g := range b.members {
		g.leave(err)
	}
	b.members = nil
}

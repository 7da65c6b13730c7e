package lrun

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"time"

	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/model"
	"github.com/lrun/lrun/tokenizer"
)

// Token is one step of a generation.
type Token struct {
	ID      int32
	Text    string  // what the token adds to the text: whole characters, perhaps none
	LogProb float64 // ln of its probability under the model, before temperature, penalties and cuts
}

// Why a generation ended.
const (
	FinishStop      = "stop"      // an end-of-text token, a stop token or a stop text
	FinishLength    = "length"    // the number of tokens asked for, or the end of the context
	FinishCancelled = "cancelled" // the context was cancelled, or the caller stopped reading
	FinishError     = "error"
)

// Result says how a generation went.
type Result struct {
	PromptTokens int // tokens of the prompt
	CachedTokens int // of these, already in the session's cache
	Kept         int // tokens of the session that the model can see at the end; the last drawn it reads with the next prompt
	Dropped      int // tokens of the session that it cannot
	Memory       MemoryStats
	Generated    int // tokens made, end-of-text token included
	Drafted      int // tokens guessed ahead; see WithLookup
	Accepted     int // of these, those that were right
	FinishReason string
	Seed         uint32
	Prefill      time.Duration // until the first token was drawn
	Decode       time.Duration // from then on
}

// Generate appends a prompt to the session and continues it, one token an iteration. The first prompt of a session gets
// the special tokens that the tokenizer puts around a text. The iteration ends after a token that ends the text, at a
// limit, or with an error: the context's when it is cancelled, between tokens.
func (s *Session) Generate(ctx context.Context, text string, options ...GenerateOption) iter.Seq2[Token, error] {
	return s.turn(ctx, options, s.textPrompt(text))
}

// textPrompt composes what Generate appends.
func (s *Session) textPrompt(text string) func() (prompt, error) {
	return func() (prompt, error) {
		if text == "" {
			return prompt{}, errors.New("the prompt is empty")
		}
		ids, err := s.m.Encode(text, len(s.ids) == 0)
		return prompt{len(s.ids), ids}, err
	}
}

// GenerateIDs is Generate with a prompt of token ids, taken as they are.
func (s *Session) GenerateIDs(ctx context.Context, ids []int32, options ...GenerateOption) iter.Seq2[Token, error] {
	return s.turn(ctx, options, s.idsPrompt(ids))
}

// idsPrompt composes what GenerateIDs appends.
func (s *Session) idsPrompt(ids []int32) func() (prompt, error) {
	return func() (prompt, error) { return prompt{len(s.ids), ids}, nil }
}

// turn is one use of the session: it appends the prompt that compose makes and continues it.
func (s *Session) turn(ctx context.Context, options []GenerateOption, compose func() (prompt, error)) iter.Seq2[Token, error] {
	return func(yield func(Token, error) bool) {
		if !s.busy.TryLock() {
			yield(Token{}, errBusy)
			return
		}
		defer s.busy.Unlock()
		g := &generation{s: s, yield: yield, before: len(s.ids)}
		if err := g.run(ctx, options, compose); err != nil && !g.left {
			yield(Token{}, err)
		}
	}
}

var errNaN = errors.New("the model's logits are not numbers; its weights may be damaged")

// generation is one run of the loop.
type generation struct {
	s       *Session
	o       generateOptions
	before  int // tokens of the session that stay when it comes to nothing
	limit   int // tokens to make at most
	step    int // steps submitted; where tokens are guessed, the number of the token that is drawn next
	stream  *tokenizer.Stream
	stop    stopper
	result  Result
	counts  []uint32       // of the text's tokens, where penalties need them
	guesses []int32        // that the last step read
	looks   [][]model.Look // of each token's step, where they are traced
	tokens  []Token        // made, where they are traced
	yield   func(Token, error) bool
	left    bool // the caller takes no more tokens
}

// run is the generation from its options to its result.
func (g *generation) run(ctx context.Context, options []GenerateOption, compose func() (prompt, error)) (err error) {
	defer func() { g.end(err) }()
	if err := g.open(options, compose); err != nil {
		return err
	}
	if err := g.loop(ctx); err != nil {
		g.release()
		return err
	}
	return nil
}

// open applies the options and appends the prompt.
func (g *generation) open(options []GenerateOption, compose func() (prompt, error)) error {
	if err := g.choose(options); err != nil {
		return err
	}
	p, err := compose()
	if err != nil {
		return err
	}
	return g.begin(p)
}

// choose applies the options, all of them even where one is wrong, so that the result is filled in.
func (g *generation) choose(options []GenerateOption) error {
	var err error
	g.o, err = g.s.m.defaults.options()
	for _, choose := range options {
		if e := choose(&g.o); err == nil {
			err = e
		}
	}
	if err == nil && len(g.o.stop) > 0 && g.s.m.tokenizer == nil {
		err = fmt.Errorf("stop texts: %w", ErrNoTokenizer)
	}
	for _, id := range g.o.stopTokens {
		if vocab := g.s.m.net.Spec.Vocab; err == nil && (id < 0 || int(id) >= vocab) {
			err = fmt.Errorf("stop token %d is outside the vocabulary of %d tokens", id, vocab)
		}
	}
	return err
}

// begin appends the prompt.
func (g *generation) begin(p prompt) error {
	s := g.s
	g.result = Result{PromptTokens: len(p.ids), Seed: g.o.sampling.Seed}
	if err := s.append(p); err != nil {
		return err
	}
	g.before, g.result.CachedTokens = p.keep, s.seq.Len()
	g.limit, g.stop.texts = s.limit(&g.o), g.o.stop
	if most := s.m.defaults.MaxLength; most != nil && g.limit < 1 {
		return fmt.Errorf("generation_config.json: max_length is %d, the text has %d tokens already; say how many to make",
			*most, len(s.ids))
	}
	if s.m.tokenizer != nil {
		g.stream = s.m.tokenizer.NewStream(true)
	}
	return nil
}

// limit is how many tokens may be made: as many as asked for, else those that generation_config.json and the context
// allow, or where that has no end, as many as a text had in training. The last token needs no place, since it is never read.
func (s *Session) limit(o *generateOptions) int {
	room := s.m.context - len(s.ids) + 1
	if o.maxTokens > 0 && !s.m.net.Spec.Fixed && !s.m.bounded {
		return o.maxTokens
	}
	if o.maxTokens > 0 {
		return min(o.maxTokens, room)
	}
	if s.m.context == endless { // but no text was longer in training
		return s.m.defaults.newTokens(len(s.ids), s.m.info.Trained)
	}
	return min(s.m.defaults.newTokens(len(s.ids), room), room)
}

// loop reads the prompt and makes tokens, keeping Ahead steps on the way while the host looks at the one before.
func (g *generation) loop(ctx context.Context) error {
	start := time.Now()
	g.s.seq.Trace(g.o.trace != nil)
	if err := g.prepare(); err != nil {
		return err
	}
	if err := g.s.speculates(g.o.speculation); err != nil {
		return err
	}
	if err := g.s.read(ctx, g, g.penalises(), g.o.progress); err != nil {
		return err
	}
	g.step = 1
	g.look()
	for made := 0; made < g.limit; {
		drawn, err := g.next(ctx, made)
		if err != nil {
			return err
		}
		if made == 0 {
			g.result.Prefill = time.Since(start)
			start = time.Now()
		}
		g.result.Decode = time.Since(start)
		for ; len(drawn) > 0; drawn = drawn[drawnBytes:] {
			token, err := g.add(drawn)
			if err != nil {
				return err
			}
			made++
			if g.take(token, made == g.limit) {
				return nil
			}
		}
	}
	return nil
}

// next sends what token number made waits for, and waits for it and for those after it that were guessed right.
func (g *generation) next(ctx context.Context, made int) ([]byte, error) {
	send := g.submit
	if g.o.speculation.tokens > 0 {
		send = g.verify
	}
	if err := send(ctx, made); err != nil {
		return nil, err
	}
	return g.receive(ctx, made)
}

// receive waits for what was drawn from token number made on, as far as it stays.
func (g *generation) receive(ctx context.Context, made int) ([]byte, error) {
	reads := g.s.device.reads
	drawn, err := reads[made%len(reads)].Wait(ctx)
	if err != nil {
		return nil, err
	}
	return g.accepted(drawn), nil
}

// submit sends the steps that may follow token number made before that is read.
func (g *generation) submit(ctx context.Context, made int) error {
	for g.step <= made+g.s.m.net.Ahead(g.s.seq) && g.step < g.limit {
		if err := ctx.Err(); err != nil {
			return err
		}
		in := model.Input{Device: g.s.device.next, Rows: model.LastRow, Recall: true, Once: g.penalises()}
		if g.step == made { // the id is here, so that the step may be repeated
			in.IDs = g.s.ids[len(g.s.ids)-1:]
		}
		if err := g.s.m.net.Forward(ctx, g.s.seq, in, g); err != nil {
			return err
		}
		g.step++
		g.look()
	}
	return nil
}

// Logits draws the next token on the device, and after each guess another one, and sends them to the host, and the last to the
// next step.
func (g *generation) Logits(o backend.Ops, _ int, logits backend.Tensor) {
	d := &g.s.device
	a := g.o.sampling
	a.Next = d.next
	if g.penalises() {
		a.Counts = d.counts
	}
	if g.penalises() && g.o.speculation.tokens > 0 { // after wrong guesses others were counted
		o.Write(d.counts, g.counts)
	}
	n := 1 + len(g.guesses)
	drawn := d.drawn.Slice(0, n)
	for i := range n {
		a.Step = uint32(g.step + i)
		o.Sample(drawn.Slice(i, 1), logits.Slice(logits.Rows-n+i, 1), a)
	}
	o.Fetch(d.reads[g.step%len(d.reads)], drawn)
}

// penalises reports whether sampling must know which tokens have occurred.
func (g *generation) penalises() bool {
	a := &g.o.sampling
	return a.Presence != 0 || a.Frequency != 0 || a.Repetition != 0 && a.Repetition != 1
}

// prepare puts the counts of the text so far on the device, where penalties need them.
func (g *generation) prepare() error {
	if !g.penalises() {
		return nil
	}
	d, b, vocab := &g.s.device, g.s.m.backend, g.s.m.net.Spec.Vocab
	if d.counts.IsNone() {
		var err error
		if d.counts, err = b.NewTensor(1, vocab); err != nil {
			return err
		}
	}
	const inPrompt = 1 << 31 // see backend.Sample
	g.counts = make([]uint32, vocab)
	for _, id := range g.s.ids {
		g.counts[id] = inPrompt
	}
	return b.Do(func(o backend.Ops) { o.Write(d.counts, g.counts) })
}

// add makes the first token of what was drawn part of the text.
func (g *generation) add(drawn []byte) (Token, error) {
	t := Token{ID: drawnID(drawn)}
	t.LogProb = float64(math.Float32frombits(binary.LittleEndian.Uint32(drawn[4:])))
	if math.IsNaN(t.LogProb) {
		return t, fmt.Errorf("token %d: %w", len(g.s.ids), errNaN)
	}
	g.s.set(append(g.s.ids, t.ID))
	if g.counts != nil {
		g.counts[t.ID]++
	}
	g.result.Generated++
	return t, nil
}

// take gives a token to the caller, as far as no stop text can begin in it, and reports whether the generation is over.
func (g *generation) take(t Token, last bool) bool {
	ended := g.ends(t.ID)
	if g.o.trace != nil {
		defer func() { g.tokens = append(g.tokens, t) }()
	}
	if g.stream != nil && !ended {
		t.Text = g.stream.Next(t.ID)
	}
	if g.stream != nil && (ended || last) {
		t.Text += g.stream.Flush()
	}
	ready, stopped := g.stop.push(t, ended || last)
	g.give(ready)
	switch {
	case g.left:
		g.result.FinishReason = FinishCancelled
		return true
	case ended || stopped:
		g.result.FinishReason = FinishStop
	case last:
		g.result.FinishReason = FinishLength
	}
	return ended || stopped || last
}

// give hands tokens to the caller, until it leaves.
func (g *generation) give(tokens []Token) {
	for _, t := range tokens {
		if g.left = g.left || !g.yield(t, nil); g.left {
			return
		}
	}
}

// release gives the tokens that were held back for a stop text that did not come: a generation that is cut short ends with
// what was made.
func (g *generation) release() {
	if n := len(g.stop.held); n > 0 && g.stream != nil {
		g.stop.held[n-1].Text += g.stream.Flush()
	}
	g.give(g.stop.held)
}

// ends reports whether a token ends the text.
func (g *generation) ends(id int32) bool {
	return slices.Contains(g.o.stopTokens, id) || !g.o.ignoreEOS && slices.Contains(g.s.m.eos, id)
}

// end leaves the session as its text says: steps beyond the last token are taken back, and a prompt that got no answer.
func (g *generation) end(err error) {
	s := g.s
	if err != nil && g.result.Generated == 0 {
		s.set(s.ids[:g.before])
	}
	if g.o.trace != nil {
		g.traced()
	}
	s.m.net.Drop(s.seq, len(s.ids))
	g.result.Kept = s.m.policy.Seen(len(s.ids))
	g.result.Dropped = len(s.ids) - g.result.Kept
	g.result.Memory = s.Memory()
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		g.result.FinishReason = FinishCancelled
	case err != nil:
		g.result.FinishReason = FinishError
	}
	if g.o.result != nil {
		*g.o.result = g.result
	}
}

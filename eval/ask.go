package eval

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/lrun/lrun"
	"github.com/lrun/lrun/tokenizer"
)

// asking puts cases to a model, which answers with its likeliest tokens: as many at a time as have no more tokens together
// than a text in training, so that short ones share steps, and long ones take no more memory than each by itself.
type asking struct {
	m      *lrun.Model
	judge  Judge
	cases  []*Case // that are yet to be asked
	batch  *lrun.Batch
	asked  map[*lrun.Session]*asked
	tokens int   // of those that are being asked
	failed error // of the first case that could not be asked; no more are then
}

// asked is a case that is being asked.
type asked struct {
	c      *Case
	start  time.Time
	output strings.Builder
	tokens int
}

// run calls done with each outcome as it comes.
func (a *asking) run(ctx context.Context, done func(*Case, Outcome) error) error {
	a.batch, a.asked = a.m.NewBatch(), map[*lrun.Session]*asked{}
	defer a.end()
	a.more(ctx)
	for t, err := range a.batch.Run(ctx) {
		q := a.asked[t.Session]
		if err != nil && q == nil {
			return err
		}
		q.output.WriteString(t.Text)
		if !t.Last {
			continue
		}
		a.close(t.Session)
		if err != nil {
			a.fail(q.c, err)
		} else if err := done(q.c, q.outcome(a.judge)); err != nil {
			return err
		}
		a.more(ctx)
	}
	return a.failed
}

// more asks cases as long as there is room.
func (a *asking) more(ctx context.Context) {
	for len(a.cases) > 0 && a.tokens < max(1, a.m.Info().Trained) {
		c := a.cases[0]
		a.cases = a.cases[1:]
		if err := a.ask(ctx, c); err != nil {
			a.fail(c, err)
		}
	}
}

// ask puts a case into the batch.
func (a *asking) ask(ctx context.Context, c *Case) error {
	q := &asked{c: c, start: time.Now()}
	s, err := a.m.NewSession()
	if err != nil {
		return err
	}
	a.asked[s] = q
	options := []lrun.GenerateOption{lrun.WithTemperature(0), lrun.WithRepetitionPenalty(1), lrun.WithMaxTokens(c.Tokens)}
	if c.Chat {
		err = a.batch.AddChat(ctx, s, []tokenizer.Message{{Role: "user", Content: c.Prompt}}, options...)
	} else {
		err = a.batch.Add(ctx, s, c.Prompt, append(options, lrun.WithIgnoreEOS())...)
	}
	q.tokens = len(s.IDs())
	a.tokens += q.tokens
	return err
}

// fail asks no more cases, but goes on with those that are being asked.
func (a *asking) fail(c *Case, err error) {
	a.cases = nil
	if a.failed == nil {
		a.failed = fmt.Errorf("case %s: %w", c.ID, err)
	}
}

// close takes a session away that has left the batch.
func (a *asking) close(s *lrun.Session) {
	a.tokens -= a.asked[s].tokens
	delete(a.asked, s)
	_ = s.Close() // nobody uses it
}

// end takes all sessions away.
func (a *asking) end() {
	_ = a.batch.Close() // it does not run
	for s := range a.asked {
		a.close(s)
	}
}

// outcome is what came of the case.
func (q *asked) outcome(judge Judge) Outcome {
	c := q.c
	o := Outcome{ID: c.ID, Length: c.Length, Depth: c.Depth, Prompt: q.tokens, Output: q.output.String(), Answer: strings.Join(c.Answers, " ")}
	o.Seconds, o.Share = time.Since(q.start).Seconds(), judge(c, o.Output)
	o.Right = o.Share == 1
	return o
}

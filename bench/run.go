package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/lrun/lrun"
)

// A profile takes this many steps of generation at most, since they are all alike.
const profiled = 16

// bencher is a plan at work.
type bencher struct {
	Plan
	m      *lrun.Model
	result *Result
}

// ids are n tokens, spread over the vocabulary.
func (b *bencher) ids(n int) []int32 {
	ids := make([]int32, n)
	for i := range ids {
		ids[i] = int32(i * 7919 % b.m.Info().Vocab)
	}
	return ids
}

// first draws the first token of all.
func (b *bencher) first(ctx context.Context) error {
	start := time.Now()
	s, err := b.m.NewSession()
	if err != nil {
		return err
	}
	_, err = generate(ctx, s, b.ids(8), 1, nil)
	b.result.FirstSeconds = time.Since(start).Seconds()
	return errors.Join(err, s.Close())
}

// generate continues a session by n tokens after ids, the likeliest each; look, unless nil, hears of each.
func generate(ctx context.Context, s *lrun.Session, ids []int32, n int, look func(made int) error) (r lrun.Result, err error) {
	made := 0
	options := []lrun.GenerateOption{lrun.WithTemperature(0), lrun.WithIgnoreEOS(), lrun.WithMaxTokens(n), lrun.WithResult(&r)}
	for _, err := range s.GenerateIDs(ctx, ids, options...) {
		if err != nil {
			return r, err
		}
		made++
		if look == nil {
			continue
		}
		if err := look(made); err != nil {
			return r, err
		}
	}
	if made < n {
		return r, fmt.Errorf("the context ended after %d of %d tokens", made, n)
	}
	return r, nil
}

// depths measures all there is at each depth.
func (b *bencher) depths(ctx context.Context) (err error) {
	base, err := b.m.NewSession()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, base.Close()) }()
	for _, depth := range b.Depths {
		if n := depth - len(base.IDs()); n > 0 { // the token drawn stays unread: it begins what comes next
			if _, err := generate(ctx, base, b.ids(n), 1, nil); err != nil {
				return fmt.Errorf("a text of %d tokens: %w", depth, err)
			}
		}
		for _, n := range b.Prompts {
			if err := b.prompt(ctx, base, n, depth); err != nil {
				return fmt.Errorf("a prompt of %d tokens after %d: %w", n, depth, err)
			}
		}
		for _, n := range b.Tokens {
			if err := b.generation(ctx, base, n, depth); err != nil {
				return fmt.Errorf("%d tokens after %d: %w", n, depth, err)
			}
		}
	}
	return nil
}

// within runs f in a copy of a session.
func (b *bencher) within(ctx context.Context, base *lrun.Session, f func(s *lrun.Session) error) error {
	s, err := base.Fork(ctx)
	if err != nil {
		return err
	}
	err = f(s)
	b.result.HostBytes = max(b.result.HostBytes, s.Memory().HostBytes)
	return errors.Join(err, s.Close())
}

// prompt measures reading n tokens, until the token after them is drawn.
func (b *bencher) prompt(ctx context.Context, base *lrun.Session, n, depth int) error {
	r := Row{Name: name("pp", n, depth), Tokens: n, Depth: depth}
	ids := b.ids(n)
	if len(base.IDs()) > 0 {
		ids = ids[1:] // one is unread
	}
	var seconds float64
	read := func(s *lrun.Session) error {
		result, err := generate(ctx, s, ids, 1, nil)
		seconds = result.Prefill.Seconds()
		return err
	}
	for i := range b.Repeats + 1 {
		if err := b.within(ctx, base, read); err != nil {
			return err
		}
		if i > 0 {
			r.Seconds = append(r.Seconds, seconds)
		}
	}
	profiled := func(s *lrun.Session) error { return b.profile(&r, func() error { return read(s) }) }
	if err := b.within(ctx, base, profiled); err != nil {
		return err
	}
	b.done(r)
	return nil
}

// generation measures n tokens from the moment on when one more was drawn.
func (b *bencher) generation(ctx context.Context, base *lrun.Session, n, depth int) error {
	r := Row{Name: name("tg", n, depth), Tokens: n, Depth: depth}
	for i := range b.Repeats + 1 {
		err := b.within(ctx, base, func(s *lrun.Session) error {
			result, err := generate(ctx, s, b.ids(1), n+1, nil)
			if i > 0 {
				r.Seconds = append(r.Seconds, result.Decode.Seconds())
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	if err := b.within(ctx, base, func(s *lrun.Session) error { return b.count(ctx, s, &r) }); err != nil {
		return err
	}
	b.done(r)
	return nil
}

// count has some tokens made, and counts what they cost. At the first of them steps are on their way already, at the last but
// one as many have been sent.
func (b *bencher) count(ctx context.Context, s *lrun.Session, r *Row) error {
	n := min(r.Tokens, profiled+1)
	var before lrun.MemoryStats
	var dispatched int64
	look := func(made int) error {
		switch made {
		case 1:
			before, dispatched = s.Memory(), b.m.Dispatches()
			if err := b.m.StartProfile(); err != nil && !errors.Is(err, lrun.ErrNoProfile) {
				return err
			}
		case n:
			r.Steps, r.Kernels = n-1, b.m.StopProfile()
			after := s.Memory()
			per := func(count int) float64 { return float64(count) / float64(r.Steps) }
			r.Dispatches = per(int(b.m.Dispatches() - dispatched))
			r.RoundTrips, r.LookedUp, r.Fetched = per(after.RoundTrips-before.RoundTrips), per(after.LookedUp-before.LookedUp), per(after.Fetched-before.Fetched)
		}
		return nil
	}
	_, err := generate(ctx, s, b.ids(1), n+1, look)
	b.m.StopProfile() // of a generation that failed
	return err
}

// profile runs f, one step, with its kernels timed.
func (b *bencher) profile(r *Row, f func() error) error {
	err := b.m.StartProfile()
	if errors.Is(err, lrun.ErrNoProfile) {
		return nil
	}
	if err != nil {
		return err
	}
	err = f()
	r.Steps, r.Kernels = 1, b.m.StopProfile()
	return err
}

func name(kind string, n, depth int) string {
	if depth > 0 {
		return fmt.Sprintf("%s%d@%d", kind, n, depth)
	}
	return fmt.Sprintf("%s%d", kind, n)
}

// done adds a row.
func (b *bencher) done(r Row) {
	rates := make([]float64, len(r.Seconds))
	for i, s := range r.Seconds {
		rates[i] = float64(r.Tokens) / s
	}
	r.Rate = spread(rates)
	b.result.Rows = append(b.result.Rows, r)
	if b.Progress != nil {
		b.Progress(r)
	}
}

// describe fills in what the model is and where it runs.
func (b *bencher) describe() {
	i, r := b.m.Info(), b.result
	r.Model, r.DType, r.WeightBytes, r.Memory, r.Backend, r.Adapter, r.DeviceBytes = i.Name, i.DType, i.WeightBytes, i.Memory, i.Backend, i.Adapter, i.DeviceBytes
	if i.Quant != "" {
		r.DType = i.Quant
	}
}

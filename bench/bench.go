// Package bench measures how fast a model reads and writes at which length of text, and where the time goes.
package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/lrun/lrun"
)

// Plan is what is measured: reading prompts and generating, each of some numbers of tokens, after some numbers of tokens.
type Plan struct {
	Prompts  []int     // tokens of prompts, at least 2 each
	Tokens   []int     // to generate, at least 2 each
	Depths   []int     // tokens of the text before, in rising order; 0: none
	Repeats  int       // of each measurement, after one that is not counted
	Progress func(Row) // hears of each measurement; nil: none
}

// Result is what was measured.
type Result struct {
	Model       string      `json:"model"`
	DType       string      `json:"dtype"` // of most of the weights, or what they are quantised to
	WeightBytes int64       `json:"weight_bytes"`
	Memory      string      `json:"memory"`
	Backend     string      `json:"backend"`
	Adapter     string      `json:"adapter"`
	Speed       *lrun.Speed `json:"speed,omitempty"` // of the adapter; none where the backend does not measure it

	OpenSeconds  float64 `json:"open_seconds"`        // reading the weights and sending them to the device
	FirstSeconds float64 `json:"first_token_seconds"` // after that, of a short prompt, with the kernels that are not compiled yet
	DeviceBytes  int64   `json:"device_bytes"`        // held at the end
	HostBytes    int64   `json:"host_bytes"`          // of blocks on the host, the most of any row

	Rows []Row `json:"rows"`
}

// Row is one measurement.
type Row struct {
	Name    string    `json:"name"` // pp512, tg128@4096: prompt processing and text generation, as llama-bench has it
	Tokens  int       `json:"tokens"`
	Depth   int       `json:"depth"`
	Seconds []float64 `json:"seconds"` // of each repeat, in order
	Rate    Spread    `json:"tokens_per_second"`
	Ratio   float64   `json:"ratio,omitempty"` // of the median rate to that of a result before; see Compare

	// Of a token, of generation only.
	Dispatches float64 `json:"dispatches_per_token,omitempty"`
	RoundTrips float64 `json:"round_trips_per_token"` // beside the one that brings its id
	LookedUp   float64 `json:"blocks_looked_up_per_token"`
	Fetched    float64 `json:"blocks_fetched_per_token"`

	// Of a step, which is the whole prompt or one generated token; none where the backend does not time kernels.
	Steps   int               `json:"profiled_steps,omitempty"`
	Kernels []lrun.KernelTime `json:"kernels,omitempty"` // of all profiled steps together
}

// Spread is some measurements in short.
type Spread struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

// spread is that of at least one value.
func spread(values []float64) Spread {
	v := slices.Sorted(slices.Values(values))
	n := len(v)
	return Spread{(v[(n-1)/2] + v[n/2]) / 2, v[0], v[n-1]}
}

// Check says what is wrong with a plan.
func (p Plan) Check() error {
	for what, all := range map[string][]int{"prompt": p.Prompts, "generation": p.Tokens} {
		for _, n := range all {
			if n < 2 {
				return fmt.Errorf("a %s of %d tokens, want at least 2", what, n)
			}
		}
	}
	if len(p.Prompts)+len(p.Tokens) == 0 || len(p.Depths) == 0 || p.Repeats < 1 {
		return errors.New("nothing to measure: give a prompt or tokens to generate, a depth, and at least one repeat")
	}
	if !slices.IsSorted(p.Depths) || p.Depths[0] < 0 {
		return fmt.Errorf("depths %v, want them in rising order from 0", p.Depths)
	}
	return nil
}

// Run measures a model that open opens.
func (p Plan) Run(ctx context.Context, open func() (*lrun.Model, error)) (_ *Result, err error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	start := time.Now()
	m, err := open()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	r := &Result{OpenSeconds: time.Since(start).Seconds()}
	b := &bencher{Plan: p, m: m, result: r}
	if err := b.first(ctx); err != nil {
		return nil, err
	}
	speed, err := m.Speed(ctx)
	switch {
	case err == nil:
		r.Speed = &speed
	case !errors.Is(err, lrun.ErrNoProfile):
		return nil, err
	}
	if err := b.depths(ctx); err != nil {
		return nil, err
	}
	b.describe()
	return r, nil
}

// Step is the seconds of a step: the whole prompt, or one generated token.
func (r Row) Step() float64 {
	seconds := spread(r.Seconds).Median
	if r.generates() {
		return seconds / float64(r.Tokens)
	}
	return seconds
}

func (r Row) generates() bool { return r.Name[0] == 't' }

// Total is what the kernels of a step count together; its name says nothing.
func (r Row) Total() lrun.KernelTime {
	var t lrun.KernelTime
	for _, k := range r.Kernels {
		t.Count, t.Nanoseconds, t.Bytes, t.Flops = t.Count+k.Count, t.Nanoseconds+k.Nanoseconds, t.Bytes+k.Bytes, t.Flops+k.Flops
	}
	n := int64(max(1, r.Steps))
	return lrun.KernelTime{Count: t.Count / int(n), Nanoseconds: t.Nanoseconds / n, Bytes: t.Bytes / n, Flops: t.Flops / n}
}

// Compare fills in by how much rows are faster than those of the same name in a result before.
func (r *Result) Compare(before *Result) error {
	same := 0
	for i := range r.Rows {
		for _, old := range before.Rows {
			if row := &r.Rows[i]; old.Name == row.Name && old.Rate.Median > 0 {
				row.Ratio = row.Rate.Median / old.Rate.Median
				same++
			}
		}
	}
	if same == 0 {
		return errors.New("the result before has none of these measurements")
	}
	return nil
}

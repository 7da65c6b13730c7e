//go:build cgo && !nogpu && ((linux && amd64) || (darwin && (amd64 || arm64)) || (windows && amd64))

package webgpu

import (
	"context"
	"slices"
	"time"

	"github.com/lrun/lrun/backend"
)

const (
	tuneRun    = 10 * time.Millisecond // of a candidate in a round, or more
	tuneUnits  = 1 << 12               // at most, in a run
	tuneLeast  = 3                     // rounds
	tuneMost   = 25                    // rounds
	tuneMargin = 0.97                  // of the default's time: what is slower is no reason to leave it

	tuneHopeless = 2 // times the default's time in the first round: not measured again
)

var _ backend.Tuner = (*device)(nil)

// Tune implements backend.Tuner. Choices are made one after another, each with those before it.
func (d *device) Tune(ctx context.Context, budget time.Duration, progress func(made, all int)) ([]backend.Trial, error) {
	return d.tune(ctx, budget, choices(), progress)
}

func (d *device) tune(ctx context.Context, budget time.Duration, all []choice, progress func(made, all int)) ([]backend.Trial, error) {
	tuned, end := defaults(d.info.Kind), time.Now().Add(budget)
	var trials []backend.Trial
	for i, c := range all {
		progress(i, len(all))
		if c.fused && !tuned.Fuse || c.shared && tuned.Own {
			continue
		}
		t := &tuner{d: d, ctx: ctx, share: time.Now().Add(time.Until(end) / time.Duration(len(all)-i)), end: end}
		trial, err := t.try(c, &tuned)
		if err != nil {
			return nil, err
		}
		trials = append(trials, trial)
	}
	progress(len(all), len(all))
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tuning = tuned
	return trials, nil
}

// RememberTuning implements backend.Tuner.
func (d *device) RememberTuning() (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return remember(d.info, d.tuning)
}

// tuner makes one choice.
type tuner struct {
	d          *device
	ctx        context.Context
	share, end time.Time // until when rounds are measured, and in any case not longer
	held       []interface{ Release() }
}

// try measures the candidates of a choice, and has tuned take over the best.
func (t *tuner) try(c choice, tuned *Tuning) (backend.Trial, error) {
	all := c.candidates(*tuned)
	trial := backend.Trial{Name: c.name, Chosen: all[0].value}
	for i := range all {
		trial.Candidates = append(trial.Candidates, backend.Candidate{Value: all[i].value})
	}
	if time.Now().After(t.end) {
		return trial, t.ctx.Err()
	}
	times, err := t.measure(c, all)
	if err != nil || len(times[0]) < tuneLeast {
		return trial, err
	}
	trial.Rounds = len(times[0])
	best, least := 0, tuneMargin
	for i := range all {
		ratio, won := compare(times[i], times[0])
		trial.Candidates[i].Ratio = ratio
		if ratio < least && 4*won >= 3*trial.Rounds {
			best, least = i, ratio
		}
	}
	trial.Chosen = all[best].value
	c.take(tuned, all[best].tuning)
	return trial, nil
}

// compare is the median of the ratios of times to the default's in the same rounds, and how often they were shorter.
func compare(times, ours []time.Duration) (median float64, won int) {
	ratios := make([]float64, len(times))
	for i := range times {
		ratios[i] = float64(times[i]) / float64(ours[i])
		if ratios[i] < 1 {
			won++
		}
	}
	slices.Sort(ratios)
	n := len(ratios)
	return (ratios[(n-1)/2] + ratios[n/2]) / 2, won
}

// measure times the candidates in rounds, to and fro, so that what drifts meets all of them alike.
func (t *tuner) measure(c choice, all []candidate) ([][]time.Duration, error) {
	times := make([][]time.Duration, len(all))
	defer t.release()
	load, err := c.load(t)
	if err != nil {
		return nil, err
	}
	for i := range all { // kernels are compiled, and memory is cleared
		if _, err := t.run(all[i].tuning, load, 1); err != nil {
			return nil, err
		}
	}
	units := 1
	for took := time.Duration(0); took < tuneRun && units < tuneUnits; units *= 2 {
		if took, err = t.run(all[0].tuning, load, 2*units); err != nil {
			return nil, err
		}
	}
	order := make([]int, len(all))
	for i := range order {
		order[i] = i
	}
	for t.goesOn(len(times[0])) {
		for _, i := range order {
			if len(times[i]) > 0 && times[i][0] > tuneHopeless*times[0][0] {
				continue
			}
			took, err := t.run(all[i].tuning, load, units)
			if err != nil {
				return nil, err
			}
			times[i] = append(times[i], took)
		}
		slices.Reverse(order)
	}
	return times, nil
}

// goesOn reports whether there is time for another round.
func (t *tuner) goesOn(rounds int) bool {
	now := time.Now()
	return rounds < tuneMost && (now.Before(t.share) || rounds < tuneLeast && now.Before(t.end))
}

// run is the time of so many units of work with a tuning.
func (t *tuner) run(with Tuning, load workload, units int) (time.Duration, error) {
	start := time.Now()
	err := t.d.Do(func(o backend.Ops) {
		own := t.d.tuning
		defer func() { t.d.tuning = own }()
		t.d.tuning = with
		for i := range units {
			load(o.(*step), i)
		}
	})
	if err != nil {
		return 0, err
	}
	err = t.d.Sync(t.ctx)
	return time.Since(start), err
}

// release gives the memory of a choice's operands back.
func (t *tuner) release() {
	for _, h := range t.held {
		h.Release()
	}
	t.held = nil
}

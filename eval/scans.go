package eval

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing/fstest"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"

	"github.com/lrun/lrun"
	"github.com/lrun/lrun/memory"
)

// Scan is a way of mixing tokens, as a model of one layer that is 256 wide, with random weights.
type Scan struct {
	Name   string
	config string
	policy memory.Policy // nil: all is seen
}

// Scans are attention to all tokens, to a window, and the layers whose time a token does not depend on the text's length.
var Scans = []Scan{
	{"attention", llamaLayer, nil},
	{"lambda", llamaLayer, memory.Lambda{Start: 10, Local: 2048, Limit: 2048}},
	{"lightning", `{"model_type": "minimax", "hidden_size": 256, "num_attention_heads": 4, "head_dim": 64, "num_key_value_heads": 4,
		"intermediate_size": 256, "num_local_experts": 1, "num_experts_per_tok": 1, "layer_types": ["linear_attention"],` + common, nil},
	{"mamba", `{"model_type": "mamba", "hidden_size": 256, "state_size": 16,` + common, nil},
	{"mamba2", `{"model_type": "mamba2", "hidden_size": 256, "num_heads": 8, "head_dim": 64, "state_size": 128, "n_groups": 1,` + common, nil},
	{"s4d", `{"model_type": "s4d", "d_model": 256, "d_state": 64, "n_layers": 1,` + common, nil},
}

const (
	common     = ` "num_hidden_layers": 1, "vocab_size": 256, "max_position_embeddings": 1048576}`
	llamaLayer = `{"model_type": "llama", "hidden_size": 256, "num_attention_heads": 4, "intermediate_size": 256,` + common
)

// ScanTime is what a token costs at a length.
type ScanTime struct {
	Tokens          int     `json:"tokens"`
	SecondsPerToken float64 `json:"seconds_per_token"` // over the last eighth of the length, 512 tokens at least; of short ones the median of three
	DeviceBytes     int64   `json:"device_bytes"`
}

// Measure reads a text up to the largest of some lengths, and tells what a token cost at each; each is at least 1,024. It ends
// before a length that would take more than most to come to, by what a token cost last; 0 is no limit. progress, unless nil,
// hears of the tokens read. The model is described as it was opened.
func (s Scan) Measure(ctx context.Context, lengths []int, most time.Duration, progress func(done, total int), options ...lrun.Option) (times []ScanTime, about lrun.Info, err error) {
	for _, n := range lengths {
		if n < 1024 {
			return nil, about, fmt.Errorf("a length of %d tokens, want at least 1,024", n)
		}
	}
	options = append([]lrun.Option{lrun.WithRandomWeights("f32"), lrun.WithAnyLength()}, options...)
	if s.policy != nil {
		options = append(options, lrun.WithMemory(s.policy))
	}
	m, err := lrun.OpenFS(fstest.MapFS{"config.json": {Data: []byte(s.config)}}, s.Name, options...)
	if err != nil {
		return nil, about, fmt.Errorf("%s: %w", s.Name, err)
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	r, err := startReading(m, slices.Max(lengths), progress)
	if err != nil {
		return nil, about, err
	}
	defer func() { err = errors.Join(err, r.session.Close()) }()
	for _, n := range slices.Sorted(slices.Values(lengths)) {
		if last := len(times) - 1; most > 0 && last >= 0 && times[last].SecondsPerToken*float64(n-r.done) > most.Seconds() {
			break
		}
		t, err := r.timed(ctx, n)
		if err == nil && n <= shortScan {
			t.SecondsPerToken, err = medianOfNew(ctx, m, n)
		}
		if err != nil {
			return nil, about, err
		}
		times = append(times, t)
	}
	return times, m.Info(), nil
}

// Up to this many tokens a length is measured several times, since so short a time says little; the first compiles kernels.
const (
	shortScan = 8192
	repeats   = 3
)

// medianOfNew is what a token costs at a length, as several new sessions have it.
func medianOfNew(ctx context.Context, m *lrun.Model, n int) (float64, error) {
	var all []float64
	for range repeats {
		r, err := startReading(m, n, nil)
		if err != nil {
			return 0, err
		}
		t, err := r.timed(ctx, n)
		if err = errors.Join(err, r.session.Close()); err != nil {
			return 0, err
		}
		all = append(all, t.SecondsPerToken)
	}
	slices.Sort(all)
	return all[repeats/2], nil
}

// reading feeds a session.
type reading struct {
	session     *lrun.Session
	done, total int
	progress    func(done, total int)
}

func startReading(m *lrun.Model, total int, progress func(done, total int)) (*reading, error) {
	s, err := m.NewSession()
	return &reading{session: s, total: total, progress: progress}, err
}

// timed reads up to n tokens, and tells what a token of the last ones cost.
func (r *reading) timed(ctx context.Context, n int) (ScanTime, error) {
	if err := r.until(ctx, n-max(512, n/8)); err != nil {
		return ScanTime{}, err
	}
	from, start := r.done, time.Now()
	if err := r.until(ctx, n); err != nil {
		return ScanTime{}, err
	}
	return ScanTime{n, time.Since(start).Seconds() / float64(r.done-from), r.session.Memory().DeviceBytes}, nil
}

// until reads up to n tokens, none where that many were read; one stays unread, as Feed has it.
func (r *reading) until(ctx context.Context, n int) error {
	const slice = 512
	for r.done < n {
		ids := make([]int32, min(slice, n-r.done))
		for i := range ids {
			ids[i] = int32((r.done + i) * 7919 % 251)
		}
		if err := r.session.Feed(ctx, ids); err != nil {
			return err
		}
		r.done += len(ids)
		if r.progress != nil {
			r.progress(r.done, r.total)
		}
	}
	return nil
}

// PlotScans draws what a token costs by length, one line for each way.
func PlotScans(path, title string, names []string, times [][]ScanTime) error {
	p := plot.New()
	p.Title.Text = title
	p.X.Label.Text, p.Y.Label.Text = "tokens read", "µs a token"
	p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, powersOfTwo{}
	p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, powersOfTwo{}
	p.Legend.Top, p.Legend.Left = true, true
	p.Add(plotter.NewGrid())
	for i, name := range names {
		var points plotter.XYs
		for _, t := range times[i] {
			points = append(points, plotter.XY{X: float64(t.Tokens), Y: 1e6 * t.SecondsPerToken})
		}
		line, dots, err := plotter.NewLinePoints(points)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		line.Color, line.Width, dots.Color = plotutil.Color(i), vg.Points(1.5), plotutil.Color(i)
		p.Add(line, dots)
		p.Legend.Add(name, line)
	}
	return p.Save(8*vg.Inch, 5*vg.Inch, path)
}

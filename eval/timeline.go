package eval

import (
	"fmt"
	"math"
	"os"
	"strconv"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

// Timeline is how long the reading of a text took, and what memory it held, by length.
type Timeline struct {
	Tokens  int     // read so far
	Seconds float64 // in reading them

	decades map[int]*span // by the decade's end
	moments []Moment
	recent  span // since the last moment
}

// span is some reading.
type span struct {
	tokens  int
	seconds float64
}

// Moment is the reading of a stretch of text that ends at Tokens.
type Moment struct {
	Tokens          int     `json:"tokens"`
	SecondsPerToken float64 `json:"seconds_per_token"` // over the stretch
	GPUBytes        int64   `json:"gpu_bytes"`
	HostBytes       int64   `json:"host_bytes"`
	FileBytes       int64   `json:"file_bytes"`
}

// Add notes that n more tokens took so long, and what is held now.
func (t *Timeline) Add(n int, took time.Duration, gpu, host, file int64) {
	t.Tokens, t.Seconds = t.Tokens+n, t.Seconds+took.Seconds()
	if t.decades == nil {
		t.decades = map[int]*span{}
	}
	end := 10
	for end < t.Tokens {
		end *= 10
	}
	if t.decades[end] == nil {
		t.decades[end] = &span{}
	}
	for _, s := range []*span{t.decades[end], &t.recent} {
		s.tokens, s.seconds = s.tokens+n, s.seconds+took.Seconds()
	}
	if t.recent.tokens < t.stretch() {
		return
	}
	t.moments = append(t.moments, Moment{t.Tokens, t.recent.seconds / float64(t.recent.tokens), gpu, host, file})
	t.recent = span{}
}

// stretch is how many tokens the next moment takes: a sixteenth of what was read, 1,024 at least.
func (t *Timeline) stretch() int { return max(1024, t.Tokens/16) }

// Moments are the stretches so far.
func (t *Timeline) Moments() []Moment { return append([]Moment{}, t.moments...) }

// Rate is the tokens a second of the last stretch, or of all so far.
func (t *Timeline) Rate() float64 {
	if n := len(t.moments); n > 0 {
		return 1 / t.moments[n-1].SecondsPerToken
	}
	return float64(t.Tokens) / max(t.Seconds, 1e-9)
}

// ByDecade are the seconds a token took, by the decade of the text's length: "1000" is 101 to 1,000.
func (t *Timeline) ByDecade() map[string]float64 {
	all := map[string]float64{}
	for end, s := range t.decades {
		all[strconv.Itoa(end)] = s.seconds / float64(s.tokens)
	}
	return all
}

// PlotTimeline draws time a token and memory by length as a PNG, one above the other. The time of the first stretch, in which
// kernels are compiled, is left out.
func PlotTimeline(path, title string, moments []Moment) (err error) {
	curve := func(y func(Moment) float64) plotter.XYs {
		var all plotter.XYs
		for _, m := range moments {
			all = append(all, plotter.XY{X: float64(m.Tokens), Y: y(m)})
		}
		return all
	}
	const mib = 1 << 20
	times, memory := plot.New(), plot.New()
	times.Title.Text, times.Y.Label.Text = title, "ms a token"
	memory.Y.Label.Text = "MiB"
	if err := addLines(times, []string{"time"}, settled(curve(func(m Moment) float64 { return 1000 * m.SecondsPerToken }))); err != nil {
		return err
	}
	err = addLines(memory, []string{"device", "host", "file"}, curve(func(m Moment) float64 { return float64(m.GPUBytes) / mib }),
		curve(func(m Moment) float64 { return float64(m.HostBytes) / mib }), curve(func(m Moment) float64 { return float64(m.FileBytes) / mib }))
	if err != nil {
		return err
	}
	img := vgimg.New(8*vg.Inch, 6*vg.Inch)
	tiles := draw.Tiles{Rows: 2, Cols: 1, PadY: vg.Points(8), PadTop: vg.Points(4), PadRight: vg.Points(12)}
	canvases := plot.Align([][]*plot.Plot{{times}, {memory}}, tiles, draw.New(img))
	times.Draw(canvases[0][0])
	memory.Draw(canvases[1][0])
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = vgimg.PngCanvas{Canvas: img}.WriteTo(f)
	if closing := f.Close(); err == nil {
		err = closing
	}
	return err
}

// settled is a curve without its first point, where there are others.
func settled(c plotter.XYs) plotter.XYs { return c[min(1, max(0, len(c)-1)):] }

// addLines draws named curves by length, from 0 up.
func addLines(p *plot.Plot, names []string, curves ...plotter.XYs) error {
	p.X.Label.Text = "tokens read"
	p.X.Tick.Marker = plot.TickerFunc(func(low, high float64) []plot.Tick {
		ticks := plot.DefaultTicks{}.Ticks(low, high)
		for i := range ticks {
			if ticks[i].Label != "" {
				ticks[i].Label = strconv.FormatFloat(ticks[i].Value/1000, 'f', -1, 64) + "k"
			}
		}
		return ticks
	})
	p.Add(plotter.NewGrid())
	p.Legend.Top, p.Legend.Left = true, true
	for i, c := range curves {
		line, err := plotter.NewLine(c)
		if err != nil {
			return fmt.Errorf("%s: %w", names[i], err)
		}
		line.Color, line.Width = plotutil.Color(i), vg.Points(1.5)
		p.Add(line)
		p.Legend.Add(names[i], line)
	}
	p.Y.Min, p.Y.Max = 0, math.Max(1e-9, p.Y.Max*1.15)
	return nil
}

package bench

import (
	"bytes"
	"strings"
	"testing"

	"github.com/lrun/lrun"
	"github.com/lrun/lrun/internal/testkit"
	"github.com/lrun/lrun/testdata"
)

// Ensure that measurements are positive, the median between the extremes, that a token's kernels are as many as the device
// launched, and that the tables name every one and the rest of the step.
func TestRun(t *testing.T) {
	for _, b := range testkit.Backends(t) {
		t.Run(b.Name(), func(t *testing.T) {
			p := Plan{Prompts: []int{5, 300}, Tokens: []int{3, 20}, Depths: []int{0, 30}, Repeats: 3}
			r, err := p.Run(t.Context(), func() (*lrun.Model, error) {
				return lrun.OpenFS(testdata.Tiny(), "tiny", lrun.WithBackend(b.Name()), lrun.WithAnyLength())
			})
			if err != nil {
				t.Fatal(err)
			}
			gpu := b.Name() == "webgpu"
			if len(r.Rows) != 8 || r.OpenSeconds <= 0 || r.FirstSeconds <= 0 || (r.Speed != nil) != gpu || r.Backend != b.Name() {
				t.Errorf("%+v", r)
			}
			for _, row := range r.Rows {
				s := row.Rate
				if s.Min <= 0 || s.Median < s.Min || s.Max < s.Median || len(row.Seconds) != 3 || row.Step() <= 0 {
					t.Errorf("%s: %+v of %v", row.Name, s, row.Seconds)
				}
				if (len(row.Kernels) > 0) != gpu {
					t.Errorf("%s: %d kernels", row.Name, len(row.Kernels))
				}
				if row.generates() && gpu {
					accounted(t, row)
				}
			}
			var text bytes.Buffer
			if err := r.Print(&text, true); err != nil {
				t.Fatal(err)
			}
			want := []string{"pp300@30", "does not time its kernels"}
			if gpu {
				want = []string{"pp300@30", "linear_vec", "copy to the host", "all of these"}
			}
			for _, w := range want {
				if !strings.Contains(text.String(), w) {
					t.Errorf("no %q in\n%s", w, text.String())
				}
			}
		})
	}
}

// accounted checks a profile against what the device counts itself.
func accounted(t *testing.T, r Row) {
	launches, bytes := 0, int64(0)
	for _, k := range r.Kernels {
		bytes += k.Bytes
		if k.Name != "copy to the host" {
			launches += k.Count
		}
	}
	if float64(launches) != r.Dispatches*float64(r.Steps) {
		t.Errorf("%s: %d launches profiled in %d steps of %g", r.Name, launches, r.Steps, r.Dispatches)
	}
	// A token reads every weight but most of the embedding, which is 4096 × 128 and is the head as well.
	if per := bytes / int64(r.Steps); per < 4<<20 || per > 12<<20 {
		t.Errorf("%s: %d bytes a token of a model of 4.8 MB", r.Name, per)
	}
	if total := r.Total(); total.Nanoseconds <= 0 || total.Flops <= 0 {
		t.Errorf("%s: %+v", r.Name, total)
	}
}

// Ensure that the median is the middle, of an even number the mean of the middle two.
func TestSpread(t *testing.T) {
	if s := spread([]float64{3, 1, 2}); s != (Spread{2, 1, 3}) {
		t.Errorf("%+v", s)
	}
	if s := spread([]float64{4, 1, 2, 3}); s != (Spread{2.5, 1, 4}) {
		t.Errorf("%+v", s)
	}
}

// Ensure that a comparison is of rates, by name.
func TestCompare(t *testing.T) {
	before := &Result{Rows: []Row{{Name: "tg8", Rate: Spread{Median: 10}}, {Name: "pp8", Rate: Spread{Median: 50}}}}
	now := &Result{Rows: []Row{{Name: "pp8", Rate: Spread{Median: 100}}, {Name: "pp9", Rate: Spread{Median: 1}}}}
	if err := now.Compare(before); err != nil || now.Rows[0].Ratio != 2 || now.Rows[1].Ratio != 0 {
		t.Errorf("%+v (%v)", now.Rows, err)
	}
	if (&Result{}).Compare(before) == nil {
		t.Error("nothing in common, and no error")
	}
}

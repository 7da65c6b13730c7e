package eval

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/lrun/lrun"
)

// Ensure that each way of mixing tokens is measured at the lengths asked for, and drawn.
func TestScans(t *testing.T) {
	var names []string
	var all [][]ScanTime
	for _, s := range Scans {
		if testing.Short() && s.Name != "mamba" {
			continue
		}
		times, about, err := s.Measure(context.Background(), []int{1024}, 0, nil, lrun.WithBackend("cpu"))
		if err != nil || about.Backend != "cpu" {
			t.Fatalf("%s on %s: %v", s.Name, about.Backend, err)
		}
		if len(times) != 1 || times[0].Tokens != 1024 || times[0].SecondsPerToken <= 0 || times[0].DeviceBytes <= 0 {
			t.Errorf("%s: %+v", s.Name, times)
		}
		names, all = append(names, s.Name), append(all, times)
	}
	if times, _, err := Scans[3].Measure(context.Background(), []int{2048, 1024}, 1, nil, lrun.WithBackend("cpu")); err != nil || len(times) != 1 {
		t.Errorf("in a nanosecond: %+v (%v), want the first length alone", times, err)
	}
	if err := PlotScans(filepath.Join(t.TempDir(), "scans.png"), "scans", names, all); err != nil {
		t.Error(err)
	}
	if _, _, err := Scans[0].Measure(context.Background(), []int{100}, 0, nil); err == nil {
		t.Error("a length of 100 tokens is measured")
	}
}

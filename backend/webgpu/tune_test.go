//go:build cgo && !nogpu && ((linux && amd64) || (darwin && (amd64 || arm64)) || (windows && amd64))

package webgpu

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/backend/backendtest"
	"github.com/lrun/lrun/backend/cpu"
	"github.com/lrun/lrun/wgsl"
)

// Ensure that products and attention compute what their twins do with values at the ends of what is tried, and products with
// each number of threads a row and in tiles of threads together.
func TestTunedOperationsMatchTwins(t *testing.T) {
	if testing.Short() {
		t.Skip("slow: all products five times more")
	}
	odd := Tuning{Fuse: true, Chunk: 128, RowTokens: 4, Tiles: 512, Vec: everywhere(256), One: everywhere(256), Unroll: true,
		AttendTokens: 16, SplitGroups: 1024, SplitKeys: 64, Splits: 128, Submission: 1e9}
	attend := slices.DeleteFunc(backendtest.Cases(), func(c backendtest.Case) bool { return c.Op != "attend" })
	if len(attend) == 0 {
		t.Fatal("no cases of attention")
	}
	backendtest.Conform(t, ownDevice(t, Options{Tuning: &odd}), cpu.Open(), append(attend, backendtest.LinearCases()...))
	t.Run("wide heads in tiles", func(t *testing.T) { // their loops are written out in no other test
		wide := odd
		wide.AttendTokens = 5
		backendtest.Conform(t, ownDevice(t, Options{Tuning: &wide}), cpu.Open(), slices.DeleteFunc(attend, func(c backendtest.Case) bool {
			return !strings.Contains(c.Name, " of 128 page") && !strings.Contains(c.Name, " of 256 page")
		}))
	})
	t.Run("tiles", func(t *testing.T) { // of threads together, of each size
		shared := defaults(Software)
		shared.Own = false
		backendtest.Conform(t, ownDevice(t, Options{Tuning: &shared}), cpu.Open(), backendtest.LinearCases())
	})
	for _, lanes := range wgsl.VecLanes[1:] { // a software adapter has the first in all other tests
		t.Run(fmt.Sprint(lanes), func(t *testing.T) {
			rows := defaults(Discrete)
			rows.RowTokens, rows.Vec = 64, everywhere(lanes)
			backendtest.Conform(t, ownDevice(t, Options{Tuning: &rows, Fuse: "0"}), cpu.Open(), backendtest.LinearCases())
		})
	}
}

// Ensure that kernels are chosen as a tuning says.
func TestTuningChooses(t *testing.T) {
	d := &device{tuning: defaults(Discrete)}
	w := &backend.Matrix{DType: backend.Q8, Rows: 4096, Cols: 2048}
	plan := func(tokens, block int) string {
		return string(d.plan(wgsl.LinearVec, wgsl.LinearTile, w, tokens, w.Rows, block).variant)
	}
	same := func(what, got string, k *wgsl.Kernel, i int) {
		t.Helper()
		if want := string(k.Variants[i]); got != want {
			t.Errorf("%s: %s, want %s", what, got, want)
		}
	}
	const q8 = 3
	vec := func(lanes, many int) int { return 2*(q8*len(wgsl.VecLanes)+slices.Index(wgsl.VecLanes, lanes)) + many }
	tile := func(size int) int { return q8*len(wgsl.Tiles) + size }
	same("32 tokens", plan(32, 0), wgsl.LinearVec, vec(64, 1))
	same("33 tokens", plan(33, 0), wgsl.LinearTile, tile(0))
	same("512 tokens", plan(512, 0), wgsl.LinearTile, tile(2))
	d.tuning.Vec.Q8.Medium, d.tuning.RowTokens, d.tuning.Tiles = 8, 64, 1000
	same("one token with 8 threads a row", plan(1, 0), wgsl.LinearVec, vec(8, 0))
	same("one token with 8 threads a row in blocks of 16 rows", plan(1, 16), wgsl.LinearVec, vec(16, 0))
	same("64 tokens row by row", plan(64, 0), wgsl.LinearVec, vec(8, 1))
	same("512 tokens where 1,000 tiles are enough", plan(512, 0), wgsl.LinearTile, tile(0))
	d.tuning.RowTokens, d.tuning.Own = 4, true
	same("5 tokens where threads are on their own", plan(5, 0), wgsl.LinearTile, tile(3))
	same("512 tokens there, in blocks of 64 rows", plan(512, 64), wgsl.LinearTile, tile(0))
	d.tuning.One.Q8.Medium = 256
	same("fused, 256 threads a row", string(d.planOne(wgsl.LinearOne, w, 8192).variant), wgsl.LinearOne, q8*len(wgsl.OneLanes)+2)
}

// Ensure that attention splits its keys as a tuning says.
func TestTuningSplits(t *testing.T) {
	kv := &backend.KV{DType: backend.F16, Pages: 512, Page: 64, KVHeads: 8, HeadDim: 128}
	view := func(keys int) backend.View { return backend.View{Segments: []backend.Segment{{Count: keys}}} }
	tuning := defaults(Discrete)
	splits := func(keys int) int { return tuning.attention(1, kv, view(keys), backend.Attend{Heads: 32}).splits }
	if a, b := splits(2048), splits(32768); a != 32 || b != 64 {
		t.Errorf("%d and %d splits, want 32 of 64 keys, and 64", a, b)
	}
	tuning.SplitKeys, tuning.Splits = 512, 32
	if a, b := splits(4096), splits(32768); a != 8 || b != 32 {
		t.Errorf("%d and %d splits, want 8 of 512 keys, and 32", a, b)
	}
	tuning.AttendTokens = 16
	if p := tuning.attention(16, kv, view(64), backend.Attend{Heads: 32}); !p.few {
		t.Error("16 tokens in tiles")
	}
}

// Ensure that a tuning that no kernels are for is refused.
func TestTuningIsRefused(t *testing.T) {
	testDevice(t)
	if _, err := Open(Options{Tuning: &Tuning{}}); err == nil {
		t.Error("a tuning of zeros was accepted")
	}
}

// Ensure that every candidate is a tuning, the default the first, and that what is chosen is taken over alone.
func TestChoices(t *testing.T) {
	for _, k := range []Kind{Discrete, Software} {
		for _, c := range choices() {
			all := c.candidates(defaults(k))
			tuned := defaults(k)
			if c.take(&tuned, all[0].tuning); tuned != defaults(k) {
				t.Errorf("%s: the first of %+v is not the default", c.name, all)
			}
			for _, other := range all[1:] {
				if err := other.tuning.check(); err != nil {
					t.Errorf("%s: %s: %v", c.name, other.value, err)
				}
				tuned := defaults(k)
				c.take(&tuned, other.tuning)
				if tuned == defaults(k) {
					t.Errorf("%s: %s changes nothing", c.name, other.value)
				}
			}
		}
	}
}

// Ensure that the device runs what each choice is measured by.
func TestChoicesRun(t *testing.T) {
	if testing.Short() {
		t.Skip("slow: matrices larger than caches")
	}
	d := ownDevice(t, Options{})
	for _, c := range choices() {
		u := &tuner{d: d, ctx: t.Context()}
		load, err := c.load(u)
		if err == nil {
			_, err = u.run(c.candidates(defaults(d.info.Kind))[0].tuning, load, 1)
		}
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		u.release()
	}
	if d.Memory() != 0 {
		t.Errorf("%d bytes stay", d.Memory())
	}
}

// small is a choice that takes no time: the default does many times the work.
func small(name string) choice {
	load := func(t *tuner) (workload, error) {
		once, err := t.products(backend.Q8, 256, 256, 1, 1)
		return func(s *step, i int) {
			for range s.dev.tuning.Splits {
				once(s, i)
			}
		}, err
	}
	return between(name, false, func(t *Tuning) *int { return &t.Splits }, load, 1, 64)
}

// Ensure that the fastest is chosen and used, the default where there is no time, and that what stays is as it was when
// measuring is cancelled.
func TestTune(t *testing.T) {
	d := ownDevice(t, Options{})
	before := d.tuning
	ctx, cancel := context.WithCancel(t.Context())
	_, err := d.tune(ctx, time.Minute, []choice{small("a"), small("b")}, func(made, all int) {
		if made == 1 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) || d.tuning != before || d.Memory() != 0 {
		t.Errorf("cancelled: %v, %d bytes, and %+v", err, d.Memory(), d.tuning)
	}
	trials, err := d.tune(t.Context(), 0, []choice{small("a")}, func(int, int) {})
	if err != nil || trials[0].Rounds != 0 || trials[0].Chosen != "64" || d.tuning != defaults(d.info.Kind) {
		t.Errorf("without time: %+v (%v)", trials, err)
	}
	var heard []int
	trials, err = d.tune(t.Context(), 10*time.Second, []choice{small("a")}, func(made, all int) { heard = append(heard, made, all) })
	if err != nil || !slices.Equal(heard, []int{0, 1, 1, 1}) {
		t.Fatalf("%v, heard %v", err, heard)
	}
	a := trials[0]
	if a.Chosen != "1" || a.Rounds < tuneLeast || a.Candidates[0].Ratio != 1 || a.Candidates[1].Ratio > tuneMargin || d.tuning.Splits != 1 {
		t.Errorf("%+v, and %d splits", trials, d.tuning.Splits)
	}
}

// Ensure that a candidate is compared with the default round by round.
func TestCompare(t *testing.T) {
	if ratio, won := compare([]time.Duration{1, 30, 3}, []time.Duration{2, 20, 4}); ratio != 0.75 || won != 2 {
		t.Errorf("%g, %d", ratio, won)
	}
}

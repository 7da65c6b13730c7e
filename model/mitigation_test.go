package model

import (
	"bytes"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/internal/testkit"
	"github.com/lrun/lrun/weights"
)

// withSkip writes a copy of a checkpoint whose D is so many times as large.
func withSkip(t *testing.T, dir string, factor float32) string {
	t.Helper()
	ckpt, err := weights.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer ckpt.Close()
	var tensors []weights.Tensor
	for _, name := range ckpt.Names() {
		tensor, _ := ckpt.Tensor(name)
		v := tensor.Float32s()
		if strings.HasSuffix(name, "mixer.D") {
			for i := range v {
				v[i] *= factor
			}
		}
		tensors = append(tensors, weights.FromFloat32(name, tensor.Shape, v))
	}
	to := t.TempDir()
	if err := weights.Write(filepath.Join(to, "model.safetensors"), tensors, nil); err != nil {
		t.Fatal(err)
	}
	return to
}

// Ensure that less insertion is as much more of what passes the state by, since the norm after both takes out their scale,
// that a state which retains nothing does not know the text's start, and that factors of one change nothing.
func TestMitigation(t *testing.T) {
	dir := testkit.Testdata("golden", "mamba2_groups")
	ids, other := longText(60), longText(60)
	slices.Reverse(other[:40])
	for _, b := range testkit.Backends(t) {
		logits := func(dir string, ids []int32, m Mitigation) []float32 {
			s := mitigated(t, m)
			return allLogits(t, load(t, b, dir, s, Options{}), b, ids, 16)
		}
		last := func(l []float32) []float32 { return l[59*len(l)/60:] }
		plain := logits(dir, ids, Mitigation{})
		if e := largestError(logits(dir, ids, Mitigation{Retain: 1, Insert: 1}), plain); e != 0 {
			t.Errorf("%s: factors of one change logits by %.3g", b.Name(), e)
		}
		less := logits(dir, ids, Mitigation{Insert: 0.5})
		if e := largestError(less, logits(withSkip(t, dir, 2), ids, Mitigation{})); !(e <= 2e-3) || largestError(less, plain) < 0.1 {
			t.Errorf("%s: half the insertion differs by %.3g from twice the skip, and by %.3g from none", b.Name(), e, largestError(less, plain))
		}
		none := Mitigation{Retain: 1e-30, Insert: 1}
		if e := largestError(last(logits(dir, ids, none)), last(logits(dir, other, none))); !(e <= 1e-5) {
			t.Errorf("%s: with nothing retained another start changes logits by %.3g", b.Name(), e)
		}
		window := Mitigation{Window: 3} // two layers see 20 tokens back at most: those after the start
		if e := largestError(last(logits(dir, ids, window)), last(logits(dir, other, window))); !(e <= 1e-5) {
			t.Errorf("%s: past the window another start changes logits by %.3g", b.Name(), e)
		}
		if e := largestError(last(plain), last(logits(dir, other, Mitigation{}))); e < 1e-3 {
			t.Errorf("%s: another start changes logits by %.3g only, which tests nothing", b.Name(), e)
		}
	}
}

// Ensure that mitigations are read by name, and that what cannot be is said.
func TestMitigationErrors(t *testing.T) {
	for text, want := range map[string]Mitigation{
		"rri": {Retain: 0.9999, Insert: 0.75}, "rri:0.999,0.5": {Retain: 0.999, Insert: 0.5},
		"statenorm": {Reference: 1024}, "statenorm:256": {Reference: 256}, "window:1000": {Window: 1000},
	} {
		if m, err := ParseMitigation(text); err != nil || m != want {
			t.Errorf("%s is %v (%v)", text, m, err)
		}
		if again, err := ParseMitigation(want.String()); err != nil || again != want {
			t.Errorf("%s is written %v, which is read as %v (%v)", text, want, again, err)
		}
	}
	for _, text := range []string{"", "window", "window:", "window:0", "window:-1", "window:x", "rri:", "rri:1", "rri:2,1", "rri:0,1", "rri:0.9,0", "rri:0.9,x", "rri:NaN,1", "rri:1,2,3", "statenorm:", "statenorm:0", "statenorm:-128", "statenorm:100", "statenorm:1e3"} {
		if _, err := ParseMitigation(text); err == nil || !strings.Contains(err.Error(), "the form is rri") {
			t.Errorf("%q: %v", text, err)
		}
	}
	err := declared(t, testkit.Testdata("golden", "falcon_mamba")).Mitigate(Mitigation{Insert: 0.5})
	if err == nil || !strings.Contains(err.Error(), "falcon_mamba has none") {
		t.Errorf("error %v", err)
	}
}

// mitigated is the model of the tests with a mitigation.
func mitigated(t *testing.T, m Mitigation) *Spec {
	t.Helper()
	s := declared(t, testkit.Testdata("golden", "mamba2_groups"))
	if err := s.Mitigate(m); err != nil {
		t.Fatal(err)
	}
	return s
}

// Ensure that no bound shows before the first look past the reference, that one does after it, and that chunks, forks and
// files go on as the whole text does, with each mitigation.
func TestMitigationGoesOn(t *testing.T) {
	dir, ids := testkit.Testdata("golden", "mamba2_groups"), longText(420)
	for _, b := range testkit.Backends(t) {
		plain := allLogits(t, load(t, b, dir, mitigated(t, Mitigation{}), Options{}), b, ids, 128)
		for _, mitigation := range []Mitigation{{Retain: 0.999, Insert: 0.75}, {Reference: 128}, {Window: 90}} {
			m := load(t, b, dir, mitigated(t, mitigation), Options{})
			want := allLogits(t, m, b, ids, 128)
			if n := 256 * m.Spec.Vocab; mitigation.Reference > 0 {
				before, after := largestError(want[:n], plain[:n]), largestError(want[n:], plain[n:])
				if !(before <= 2e-5*size(plain)) || !(after > 1e-4*size(plain)) {
					t.Errorf("%s: %v changes logits by %.3g before it may, by %.3g after", b.Name(), mitigation, before, after)
				}
			}
			for _, chunk := range []int{1, 7, 64} {
				if e := largestError(allLogits(t, m, b, ids, chunk), want); !(e <= 2e-5*size(want)) {
					t.Errorf("%s: %v in chunks of %d differs by %.3g", b.Name(), mitigation, chunk, e)
				}
			}
			goesOn(t, b, m, ids, want)
		}
	}
}

// goesOn tests a fork and a file made in the middle of a text whose logits are want.
func goesOn(t *testing.T, b backend.Backend, m *Model, ids []int32, want []float32) {
	t.Helper()
	seq, err := m.NewSequence()
	if err != nil {
		t.Fatal(err)
	}
	rest(t, m, b, seq, ids[:200], 64)
	fork, err := m.Fork(t.Context(), seq)
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if err := m.Save(t.Context(), seq, &file); err != nil {
		t.Fatal(err)
	}
	rest(t, m, b, seq, ids[:100], 50)
	m.Release(seq)
	restored, err := m.Restore(t.Context(), &file)
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]*Sequence{"a fork": fork, "a file": restored} {
		if e := largestError(rest(t, m, b, s, ids[200:], 13), want[200*m.Spec.Vocab:]); !(e <= 2e-5*size(want)) {
			t.Errorf("%s: %s differs by %.3g", b.Name(), name, e)
		}
		m.Release(s)
	}
}

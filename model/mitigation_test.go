package model

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

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
			s := declared(t, testkit.Testdata("golden", "mamba2_groups"))
			return allLogits(t, load(t, b, dir, s, Options{Mitigation: m}), b, ids, 16)
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
		if e := largestError(last(plain), last(logits(dir, other, Mitigation{}))); e < 1e-3 {
			t.Errorf("%s: another start changes logits by %.3g only, which tests nothing", b.Name(), e)
		}
	}
}

// Ensure that mitigations are read by name, and that what cannot be is said.
func TestMitigationErrors(t *testing.T) {
	for text, want := range map[string]Mitigation{"rri": {0.9999, 0.75}, "rri:0.999,0.5": {0.999, 0.5}} {
		if m, err := ParseMitigation(text); err != nil || m != want {
			t.Errorf("%s is %v (%v)", text, m, err)
		}
	}
	for _, text := range []string{"", "window", "rri:", "rri:1", "rri:2,1", "rri:0,1", "rri:0.9,0", "rri:0.9,x", "rri:NaN,1", "rri:1,2,3"} {
		if _, err := ParseMitigation(text); err == nil || !strings.Contains(err.Error(), "the form is rri") {
			t.Errorf("%q: %v", text, err)
		}
	}
	dir := testkit.Testdata("golden", "falcon_mamba")
	ckpt, err := weights.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer ckpt.Close()
	b := testkit.Backends(t)[0]
	_, err = Load(b, declared(t, dir), ckpt, Options{Mitigation: Mitigation{Insert: 0.5}})
	if err == nil || !strings.Contains(err.Error(), "falcon_mamba has none") || b.Memory() != 0 {
		t.Errorf("error %v, %d bytes held", err, b.Memory())
	}
}

package webgpu

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestMain keeps the tests from what is remembered for this machine.
func TestMain(m *testing.M) {
	os.Setenv("LRUN_TUNING", "off")
	os.Exit(m.Run())
}

// ownCache gives a test a cache directory of its own.
func ownCache(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("LRUN_TUNING", "")
	for _, name := range []string{"XDG_CACHE_HOME", "HOME", "LocalAppData"} {
		t.Setenv(name, dir)
	}
}

// recalled is the tuning of an adapter, of which the words must begin so.
func recalled(t *testing.T, a AdapterInfo, words string) Tuning {
	t.Helper()
	tuning, said := tuningOf(a)
	if !strings.HasPrefix(said, words) {
		t.Errorf("%q, want %q …", said, words)
	}
	return tuning
}

var someAdapter = AdapterInfo{Name: "Some GPU (v2)", Driver: "9.1/a", API: "Vulkan", Kind: Discrete}

// Ensure that a tuning is remembered for its adapter and driver, and for no other, until it is forgotten.
func TestTuningIsRemembered(t *testing.T) {
	ownCache(t)
	tuned := defaults(Discrete)
	tuned.Splits, tuned.Vec.Q8.Medium = 32, 256
	if got := recalled(t, someAdapter, "defaults;"); got != defaults(Discrete) {
		t.Errorf("nothing is remembered, and yet %+v", got)
	}
	file, err := remember(someAdapter, tuned)
	if err != nil {
		t.Fatal(err)
	}
	if got := recalled(t, someAdapter, "measured: "+file); got != tuned {
		t.Errorf("%+v, want %+v", got, tuned)
	}
	other := someAdapter
	other.Driver = "9.2"
	recalled(t, other, "defaults;")
	other.Driver = "9.1-a" // of the same file name
	recalled(t, other, "defaults: "+file+" is ignored: it is of Some GPU (v2) with driver 9.1/a")
	if all, err := filepath.Glob(filepath.Join(filepath.Dir(file), "*")); err != nil || len(all) != 1 {
		t.Errorf("left %q (%v)", all, err)
	}
	t.Setenv("LRUN_TUNING", "off")
	recalled(t, someAdapter, "defaults: LRUN_TUNING=off")
	t.Setenv("LRUN_TUNING", "")
	for range 2 {
		if gone, err := forget(someAdapter); gone != file || err != nil {
			t.Errorf("forgot %s: %v", gone, err)
		}
	}
	recalled(t, someAdapter, "defaults;")
}

// Ensure that a file that cannot be used is ignored, and why is said.
func TestTuningIsIgnored(t *testing.T) {
	ownCache(t)
	file, err := remember(someAdapter, defaults(Discrete))
	if err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ old, new, why string }{
		{"{", "[", "json"},
		{`"split_keys"`, `"split_size"`, "split_size"},
		{`"split_keys": 64`, `"split_keys": 0`, "a number of it is 0"},
		{`"short": 16`, `"short": 17`, "17 threads a row"},
		{`"kernels": "`, `"kernels": "f`, "other kernels"},
		{`"adapter": "Some`, `"adapter": "No`, "it is of No GPU"},
	} {
		bad := strings.Replace(string(good), c.old, c.new, 1)
		if bad == string(good) {
			t.Fatalf("no %s in %s", c.old, good)
		}
		if err := os.WriteFile(file, []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		tuning, said := tuningOf(someAdapter)
		if tuning != defaults(Discrete) || !strings.Contains(said, "is ignored: ") || !strings.Contains(said, c.why) {
			t.Errorf("%s: %s", c.new, said)
		}
	}
}

// Ensure that the defaults of all kinds are tunings that the kernels have variants for.
func TestDefaultTunings(t *testing.T) {
	for _, k := range []Kind{Discrete, Integrated, Other, Software} {
		tuning := defaults(k)
		if err := tuning.check(); err != nil {
			t.Errorf("%s: %v", k, err)
		}
	}
}

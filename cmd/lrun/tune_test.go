package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lrun/lrun"
	"github.com/lrun/lrun/backend/webgpu"
	"github.com/lrun/lrun/internal/testkit"
)

// tuning is lrun tune as a process of its own with a cache directory, which drivers use as well.
func tuning(t *testing.T, cache string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := process(t, append([]string{"tune"}, args...)...)
	cmd.Dir = cache
	cmd.Env = append(cmd.Env, "LRUN_TUNING=", "XDG_CACHE_HOME="+cache, "HOME="+cache, "LocalAppData="+cache)
	return cmd
}

// tuningFiles are the tunings in the cache directory of a process.
func tuningFiles(t *testing.T, cmd *exec.Cmd) []string {
	t.Helper()
	var all []string
	for _, pattern := range []string{"lrun/tuning-*", "Library/Caches/lrun/tuning-*"} {
		found, err := filepath.Glob(filepath.Join(cmd.Dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, found...)
	}
	return all
}

// Ensure that where there is no time all stays as it is by default, and nothing is remembered.
func TestTuneWithoutTime(t *testing.T) {
	testkit.GPU(t, webgpu.Options{})
	cache := t.TempDir()
	cmd := tuning(t, cache, "--time=1ns", "--json")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	r := decoded[lrun.Tuned](t, string(out))
	if len(r.Trials) < 10 || r.Trials[0].Rounds != 0 || r.Trials[0].Chosen != r.Trials[0].Candidates[0].Value || r.File != "" {
		t.Errorf("%+v", r)
	}
	if all := tuningFiles(t, cmd); len(all) > 0 {
		t.Errorf("remembered in %q", all)
	}
	var text strings.Builder
	r.Trials[0].Rounds, r.File = 5, "somewhere"
	if err := printTuned(&text, &r); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{r.Adapter, "no time to measure", "a longer --time", "remembered in somewhere", "true: 0.00"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, text.String())
		}
	}
}

// Ensure that what was measured is remembered, a dry run's is not, that info says so, also of a file that is damaged, and that
// --reset forgets it.
func TestTuneRemembers(t *testing.T) {
	if testing.Short() {
		t.Skip("slow: measures")
	}
	testkit.GPU(t, webgpu.Options{})
	cache := t.TempDir()
	for _, dry := range []bool{true, false} {
		cmd := tuning(t, cache, "--time=20s", "--json")
		if dry {
			cmd.Args = append(cmd.Args, "--dry-run")
		}
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		r := decoded[lrun.Tuned](t, string(out))
		if files := tuningFiles(t, cmd); dry != (len(files) == 0) || (dry != (r.File == "")) {
			t.Errorf("dry run %v: remembered in %q, %q", dry, r.File, files)
		}
	}
	cmd := tuning(t, cache, "--reset")
	file := tuningFiles(t, cmd)[0]
	infoSays(t, cache, "measured: "+file)
	if err := os.WriteFile(file, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	infoSays(t, cache, "defaults: "+file+" is ignored")
	if err := cmd.Run(); err != nil || len(tuningFiles(t, cmd)) > 0 {
		t.Errorf("%v: left %q", err, tuningFiles(t, cmd))
	}
	infoSays(t, cache, "defaults; lrun tune")
}

// infoSays checks what lrun info says of the tuning in a cache directory.
func infoSays(t *testing.T, cache, want string) {
	t.Helper()
	cmd := tuning(t, cache)
	cmd.Args = append(cmd.Args[:1], "info")
	out, err := cmd.Output()
	if err != nil || !bytes.Contains(out, []byte("tuning: "+want)) {
		t.Errorf("no %q (%v) in\n%s", want, err, out)
	}
}

// Ensure that what cannot be tuned is an error that says so.
func TestTuneErrors(t *testing.T) {
	wrong(t, "nothing to tune", "", "tune", "--backend", "cpu")
	wrong(t, "invalid argument", "", "tune", "--time", "long")
	testkit.GPU(t, webgpu.Options{})
	wrong(t, `no adapter "nobody's"`, "", "tune", "--adapter", "nobody's")
	wrong(t, `no adapter "nobody's"`, "", "tune", "--reset", "--adapter", "nobody's")
}

package lrun

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lrun/lrun/memory"
)

// spilling is a session of InfLLM, nearly all of whose host memory is a file in dir, that has read a text.
func spilling(t *testing.T, backend, dir string) *Session {
	t.Helper()
	p := memories["infllm"].(memory.InfLLM)
	p.HostLimit, p.SpillDir = 1, dir
	s, err := tiny(t, backend, WithMemory(p), WithAnyLength()).NewSession()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Errorf("%s is left behind", left[0].Name())
		}
	})
	if err := s.Feed(t.Context(), someIDs(600)); err != nil {
		t.Fatal(err)
	}
	return s
}

// Ensure that a file for blocks that cannot be made or is removed changes no token and is told, and that a damaged one is an
// error after which the text is read anew.
func TestSpillFaults(t *testing.T) {
	onBackends(t, func(t *testing.T, m *Model) {
		whole, err := m.NewSession()
		if err != nil {
			t.Fatal(err)
		}
		defer whole.Close()
		prompt := someIDs(50)
		want := generated(t, whole, slices.Concat(someIDs(600), prompt), 20)
		expect := func(what string, s *Session, prompt []int32) {
			t.Helper()
			if got := generated(t, s, prompt, 20); !slices.Equal(got, want) {
				t.Errorf("%s: %v, want %v", what, got, want)
			}
		}
		missing := spilling(t, m.backend.Name(), filepath.Join(t.TempDir(), "missing"))
		expect("no folder", missing, prompt)
		if fault := missing.Memory().Fault; !strings.Contains(fault, "missing") {
			t.Errorf("no folder: fault %q", fault)
		}

		dir := t.TempDir()
		removed := spilling(t, m.backend.Name(), dir)
		if m := removed.Memory(); m.FileBytes == 0 || m.Fault != "" {
			t.Fatalf("%+v", m)
		}
		if err := os.Remove(onlyFile(t, dir)); err != nil {
			t.Fatal(err)
		}
		expect("a removed file", removed, prompt)

		dir = t.TempDir()
		damaged := spilling(t, m.backend.Name(), dir)
		if err := os.Truncate(onlyFile(t, dir), 1000); err != nil {
			t.Fatal(err)
		}
		failed := error(nil)
		for _, err := range damaged.GenerateIDs(t.Context(), prompt, WithTemperature(0), WithMaxTokens(20), WithIgnoreEOS()) {
			failed = errors.Join(failed, err)
		}
		if !errors.Is(failed, memory.ErrLost) || !strings.Contains(failed.Error(), dir) {
			t.Fatalf("a file cut off: %v", failed)
		}
		expect("the text read anew", damaged, prompt[len(damaged.IDs())-600:])
	}, WithMemory(memories["infllm"]), WithAnyLength())
}

// onlyFile is the file in a folder.
func onlyFile(t *testing.T, dir string) string {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 1 {
		t.Fatalf("%d files (%v)", len(files), err)
	}
	return filepath.Join(dir, files[0].Name())
}

package lrun

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lrun/lrun/memory"
)

// memories are the ways of remembering, small.
var memories = map[string]memory.Policy{
	"full":   memory.Full{},
	"window": memory.Window{Size: 60},
	"sinks":  memory.Sinks{Start: 4, Recent: 60},
	"lambda": memory.Lambda{Start: 5, Local: 60, Limit: 80},
	"infllm": memory.InfLLM{NInit: 8, NLocal: 64, BlockSize: 8, TopK: 4, ReprTopK: 2, ExcBlockSize: 16, MaxCachedBlock: 6, CacheStrategy: "lru"},
	"sirllm": memory.SirLLM{Start: 4, EntropySize: 70, Decay: 0.9},
}

// someIDs are n tokens of the embedded model.
func someIDs(n int) []int32 {
	ids := make([]int32, n)
	for i := range ids {
		ids[i] = int32(i*37%1000 + 2)
	}
	return ids
}

// generated are n greedy tokens after a prompt in a session.
func generated(t *testing.T, s *Session, prompt []int32, n int) (ids []int32) {
	t.Helper()
	for token, err := range s.GenerateIDs(t.Context(), prompt, WithTemperature(0), WithMaxTokens(n), WithIgnoreEOS()) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, token.ID)
	}
	return ids
}

// Ensure that a session that was saved, at any length, goes on token for token as one that was not, in another process's
// model too.
func TestSavedSessionsGoOn(t *testing.T) {
	for name, p := range memories {
		lengths := []int{1, 64, 313}
		if testing.Short() {
			lengths = lengths[2:]
		}
		onBackends(t, func(t *testing.T, m *Model) {
			other := tiny(t, m.Info().Backend, WithMemory(p), WithAnyLength())
			for _, n := range lengths {
				s, err := m.NewSession()
				if err != nil {
					t.Fatal(err)
				}
				generated(t, s, someIDs(n), 5)
				path := filepath.Join(t.TempDir(), "session")
				if err := s.Save(t.Context(), path, "a note"); err != nil {
					t.Fatal(err)
				}
				again, note, err := other.LoadSession(t.Context(), path)
				if err != nil || note != "a note" || !slices.Equal(again.IDs(), s.IDs()) {
					t.Fatalf("%s: %d tokens and %q come back of %d (%v)", name, len(again.IDs()), note, len(s.IDs()), err)
				}
				prompt := someIDs(100)
				if want, got := generated(t, s, prompt, 20), generated(t, again, prompt, 20); !slices.Equal(got, want) {
					t.Errorf("%s, %d tokens: a saved session goes on with %v, the other with %v", name, n, got, want)
				}
				if err := errors.Join(s.Close(), again.Close()); err != nil {
					t.Error(err)
				}
			}
		}, WithMemory(p), WithAnyLength())
	}
}

// Ensure that files that are damaged anywhere, cut anywhere, or of another model or other options are refused, and that
// what cannot be saved leaves the old file as it was.
func TestSessionFilesAreRefused(t *testing.T) {
	m := tiny(t, "cpu", WithMemory(memories["infllm"]))
	s, err := m.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	generated(t, s, someIDs(200), 3)
	dir := t.TempDir()
	path := filepath.Join(dir, "session")
	if err := s.Save(t.Context(), path, ""); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	refused := func(what, want string, m *Model, data []byte) {
		t.Helper()
		bad := filepath.Join(dir, "bad")
		if err := os.WriteFile(bad, data, 0o600); err != nil {
			t.Fatal(err)
		}
		before := m.Info().DeviceBytes
		if _, _, err := m.LoadSession(t.Context(), bad); !errors.Is(err, ErrSessionFile) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", what, err, want)
		}
		if after := m.Info().DeviceBytes; after != before {
			t.Errorf("%s: %d bytes more are held", what, after-before)
		}
	}
	for _, at := range []int{0, 20, 300, len(data) / 2, len(data) - 1} {
		damaged := bytes.Clone(data)
		damaged[at] ^= 4
		refused("a damaged byte", "checksum", m, damaged)
		refused("a cut file", "", m, data[:at])
	}
	refused("another policy", "with these options", tiny(t, "cpu"), data)
	refused("another cache", "with these options", tiny(t, "cpu", WithMemory(memories["infllm"]), WithKV("f16")), data)
	if _, _, err := m.LoadSession(t.Context(), filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if err := s.Save(t.Context(), filepath.Join(dir, "missing", "session"), ""); err == nil || !strings.Contains(err.Error(), "not saved") {
		t.Errorf("no folder: %v", err)
	}
	left, err := filepath.Glob(filepath.Join(dir, ".lrun-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("%v are left behind (%v)", left, err)
	}
}

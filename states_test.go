package lrun

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lrun/lrun/internal/testkit"
	"github.com/lrun/lrun/memory"
)

// onCarriers runs a test with models that carry states, with attention beside them and without, on every backend.
func onCarriers(t *testing.T, test func(t *testing.T, m *Model, name string)) {
	for _, b := range testkit.Backends(t) {
		for _, name := range []string{"falcon_mamba", "mamba2_groups", "jamba"} {
			t.Run(b.Name()+"/"+name, func(t *testing.T) {
				m, err := Open(testkit.Testdata("golden", name), WithBackend(b.Name()), WithAnyLength())
				if err != nil {
					t.Fatal(err)
				}
				defer m.Close()
				test(t, m, name)
			})
		}
	}
}

// randomIDs are n tokens from number first on of a text of no meaning.
func randomIDs(first, n int) []int32 {
	ids := make([]int32, n)
	for i := range ids {
		ids[i] = int32((first+i)*37%190 + 3)
	}
	return ids
}

// fresh is what a new session makes of a text.
func fresh(t *testing.T, m *Model, text []int32, n int) []int32 {
	t.Helper()
	s, err := m.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	return generated(t, s, text, n)
}

// Ensure that turns, forks, and sessions from files go on as one text read from scratch, far past the trained context.
func TestCarriersGoOn(t *testing.T) {
	onCarriers(t, func(t *testing.T, m *Model, _ string) {
		s, err := m.NewSession()
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		generated(t, s, randomIDs(0, 300), 9)
		generated(t, s, randomIDs(300, 5), 9)
		path := filepath.Join(t.TempDir(), "session")
		if err := s.Save(t.Context(), path, ""); err != nil {
			t.Fatal(err)
		}
		loaded, _, err := m.LoadSession(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		defer loaded.Close()
		fork, err := s.Fork(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer fork.Close()
		generated(t, s, randomIDs(9, 30), 3)
		next := randomIDs(400, 20)
		want := fresh(t, m, append(fork.IDs(), next...), 12)
		for name, other := range map[string]*Session{"a fork": fork, "a file": loaded} {
			if got := generated(t, other, next, 12); !slices.Equal(got, want) {
				t.Errorf("%s goes on with %v, want %v", name, got, want)
			}
		}
	})
}

// Ensure that a stop in the middle of an answer, which takes steps back, leaves a session that goes on as its text says.
func TestCarriersStop(t *testing.T) {
	onCarriers(t, func(t *testing.T, m *Model, _ string) {
		s, err := m.NewSession()
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		for i := range 5 {
			n := 0
			for _, err := range s.GenerateIDs(t.Context(), randomIDs(50*i, 10+i), WithTemperature(0), WithMaxTokens(40), WithIgnoreEOS()) {
				if err != nil {
					t.Fatal(err)
				}
				if n++; n == 3+i {
					break
				}
			}
			fork, err := s.Fork(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			next := randomIDs(7*i, 4)
			want := fresh(t, m, append(s.IDs(), next...), 8)
			if got := generated(t, fork, next, 8); !slices.Equal(got, want) {
				t.Errorf("after %d stops: %v, want %v", i+1, got, want)
			}
			fork.Close()
		}
	})
}

// Ensure that models without attention have no end and say what their states take, and refuse memories by name.
func TestCarriersInfo(t *testing.T) {
	onCarriers(t, func(t *testing.T, m *Model, name string) {
		info := m.Info()
		attends := name == "jamba"
		if info.StateBytes == 0 || (info.KVTokenBytes > 0) != attends || (info.Heads > 0) != attends {
			t.Errorf("%d bytes of states, %d of cache a token, %d heads", info.StateBytes, info.KVTokenBytes, info.Heads)
		}
		for _, c := range info.Costs {
			if want := info.StateBytes + info.KVTokenBytes*int64(c.Tokens); c.DeviceBytes != want {
				t.Errorf("%d tokens take %d bytes, want %d", c.Tokens, c.DeviceBytes, want)
			}
		}
		dir := testkit.Testdata("golden", name)
		if plain, err := Describe(dir); err != nil || (plain.Context == 0) == attends {
			t.Errorf("a context of %d tokens (%v)", plain.Context, err)
		}
		for _, o := range []Option{WithMemory(memory.InfLLMFor(64)), WithRope("lambda:4,32")} {
			_, err := Describe(dir, o)
			if attends && err != nil || !attends && (err == nil || !strings.Contains(err.Error(), "no attention")) {
				t.Errorf("with a memory: %v", err)
			}
		}
	})
}

// Ensure that a mitigation is said in Info, belongs to a session's file, which goes on as its text,
// and is refused by models without layers of Mamba-2.
func TestMitigations(t *testing.T) {
	dir := testkit.Testdata("golden", "mamba2_groups")
	path := filepath.Join(t.TempDir(), "session")
	for i, text := range []string{"rri:0.99,0.5", "statenorm:128", "window:70"} {
		m, err := Open(dir, WithBackend("cpu"), WithAnyLength(), WithMitigation(text))
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		if described, err := Describe(dir, WithMitigation(text)); err != nil || described.Mitigation != text || described.StateBytes != m.Info().StateBytes {
			t.Errorf("%s is described as %q, %d bytes of states (%v)", text, described.Mitigation, described.StateBytes, err)
		}
		if _, _, err := m.LoadSession(t.Context(), path); i > 0 && !errors.Is(err, ErrSessionFile) {
			t.Errorf("the session of another mitigation: %v", err)
		}
		s, err := m.NewSession()
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		generated(t, s, randomIDs(0, 300), 90)
		if err := s.Save(t.Context(), path, ""); err != nil {
			t.Fatal(err)
		}
		loaded, _, err := m.LoadSession(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		defer loaded.Close()
		next := randomIDs(400, 20)
		want := fresh(t, m, append(s.IDs(), next...), 12)
		if got := generated(t, loaded, next, 12); !slices.Equal(got, want) {
			t.Errorf("%s: a file goes on with %v, want %v", text, got, want)
		}
		if _, err := Describe(testkit.Testdata("golden", "falcon_mamba"), WithMitigation(text)); err == nil || !strings.Contains(err.Error(), "has none") {
			t.Errorf("%s of Mamba: %v", text, err)
		}
	}
	if _, err := Describe(dir, WithMitigation("window")); err == nil || !strings.Contains(err.Error(), "the form is") {
		t.Errorf("an unknown mitigation: %v", err)
	}
}

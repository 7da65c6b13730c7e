package lrun

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"
)

// Ensure that eight sessions on one model at once give what each gives alone, whatever the memory. LRUN_SOAK, such as 60s, says
// for how long.
func TestEightSessions(t *testing.T) {
	soak := time.Second
	if text := os.Getenv("LRUN_SOAK"); text != "" {
		var err error
		if soak, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"infllm", "sirllm"} {
		onBackends(t, func(t *testing.T, m *Model) {
			prompts, want := make([][]int32, 8), make([][]int32, 8)
			for i := range prompts {
				prompts[i] = someIDs(110 + 13*i)[i:]
				var err error
				if want[i], err = answered(m, prompts[i]); err != nil {
					t.Fatal(err)
				}
			}
			until := time.Now().Add(soak)
			var all sync.WaitGroup
			for i := range prompts {
				all.Go(func() {
					for time.Now().Before(until) {
						got, err := answered(m, prompts[i])
						if err != nil || !slices.Equal(got, want[i]) {
							t.Errorf("%s, session %d: %v (%v), alone %v", name, i, got, err, want[i])
							return
						}
					}
				})
			}
			all.Wait()
		}, WithMemory(memories[name]), WithAnyLength())
	}
}

// answered are a few greedy tokens after a prompt, in a session of its own whose question was asked in a fork first.
func answered(m *Model, prompt []int32) (ids []int32, err error) {
	s, err := m.NewSession()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	ctx := context.Background()
	if err := s.Feed(ctx, prompt); err != nil {
		return nil, err
	}
	fork, err := s.Fork(ctx)
	if err != nil {
		return nil, err
	}
	defer fork.Close()
	for _, of := range []*Session{fork, s} {
		for token, err := range of.GenerateIDs(ctx, []int32{5, 6, 7}, WithTemperature(0), WithMaxTokens(6), WithIgnoreEOS()) {
			if err != nil {
				return nil, err
			}
			ids = append(ids, token.ID)
		}
	}
	if !slices.Equal(ids[:6], ids[6:]) {
		return nil, fmt.Errorf("a fork says %v, and what it was made of %v", ids[:6], ids[6:])
	}
	return ids, nil
}

// Ensure that a process that is killed while it saves leaves the file of before or a whole new one.
func TestKilledWhileSaving(t *testing.T) {
	m := tiny(t, "cpu")
	s, err := m.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	generated(t, s, someIDs(200), 3)
	if path := os.Getenv("LRUN_TEST_SAVE"); path != "" { // the process that is to be killed
		for {
			if err := s.Save(t.Context(), path, "later"); err != nil {
				t.Fatal(err)
			}
		}
	}
	path := filepath.Join(t.TempDir(), "session")
	if err := s.Save(t.Context(), path, "before"); err != nil {
		t.Fatal(err)
	}
	for i := range 4 {
		victim := exec.Command(os.Args[0], "-test.run=^TestKilledWhileSaving$")
		victim.Env = append(os.Environ(), "LRUN_TEST_SAVE="+path)
		if err := victim.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(700+37*i) * time.Millisecond)
		if err := victim.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = victim.Wait() // it was killed
		again, _, err := m.LoadSession(t.Context(), path)
		if err != nil || !slices.Equal(again.IDs(), s.IDs()) {
			t.Fatalf("after a kill: %v", err)
		}
		if err := again.Close(); err != nil {
			t.Error(err)
		}
	}
}

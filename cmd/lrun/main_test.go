package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/lrun/lrun/internal/testkit"
)

// TestMain makes the test program lrun itself where LRUN_TEST_MAIN asks for it; see process.
func TestMain(m *testing.M) {
	if os.Getenv("LRUN_TEST_MAIN") != "" {
		main()
	}
	os.Exit(m.Run())
}

// process is lrun as a process of its own.
func process(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), "LRUN_TEST_MAIN=1")
	return cmd
}

// lrunWith runs a command line in this process.
func lrunWith(stdin string, args ...string) (status int, stdout, stderr string) {
	var out, err bytes.Buffer
	status = run(context.Background(), args, strings.NewReader(stdin), &out, &err)
	return status, out.String(), err.String()
}

// succeed runs a command line that must succeed, and returns its stdout.
func succeed(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	status, stdout, stderr := lrunWith(stdin, args...)
	if status != 0 {
		t.Fatalf("lrun %q: status %d: %s", args, status, stderr)
	}
	return stdout
}

// decoded is the JSON object that a command prints.
func decoded[T any](t *testing.T, stdout string) (v T) {
	t.Helper()
	if err := json.Unmarshal([]byte(stdout), &v); err != nil {
		t.Fatalf("%v in %s", err, stdout)
	}
	return v
}

// onBackends runs a test with the flag for every backend of this machine.
func onBackends(t *testing.T, test func(t *testing.T, backend string)) {
	for _, b := range testkit.Backends(t) {
		t.Run(b.Name(), func(t *testing.T) { test(t, "--backend="+b.Name()) })
	}
}

// Ensure that every command explains itself, with an example.
func TestHelp(t *testing.T) {
	for _, command := range newRoot().Commands() {
		out := succeed(t, "", command.Name(), "--help")
		if !strings.Contains(out, "Examples:\n  lrun "+command.Name()) || !strings.Contains(out, "--model") {
			t.Errorf("lrun %s --help:\n%s", command.Name(), out)
		}
	}
	if out := succeed(t, ""); !strings.Contains(out, "generate") {
		t.Errorf("lrun alone:\n%s", out)
	}
}

// Ensure that an error of several lines is one.
func TestOneLine(t *testing.T) {
	if got := oneLine("a\n\n\tb\n"); got != "a; b" {
		t.Errorf("%q", got)
	}
}

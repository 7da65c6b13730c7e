//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lrun/lrun/backend/webgpu"
	"github.com/lrun/lrun/internal/testkit"
)

// Ensure that Ctrl-C ends a process with what was made.
func TestSignal(t *testing.T) {
	cmd := process(t, "generate", "--backend=cpu", "--max-tokens=1000000", "--ignore-eos", "Once upon a time")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	text := make([]byte, 10)
	if _, err := io.ReadFull(out, text); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(out)
	if text = append(text, rest...); err != nil || !bytes.HasSuffix(text, []byte("\n")) {
		t.Errorf("%q, %v", text, err)
	}
	if cmd.Wait(); cmd.ProcessState.ExitCode() != 130 {
		t.Errorf("%v", cmd.ProcessState)
	}
}

// Ensure that an interrupted --json run prints its object.
func TestSignalJSON(t *testing.T) {
	cmd := process(t, "generate", "--backend=cpu", "--max-tokens=1000000", "--ignore-eos", "--json", "Once upon a time")
	var out bytes.Buffer
	cmd.Stdout = &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(time.Second, func() { cmd.Process.Signal(syscall.SIGTERM) })
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	var a answer
	if err := json.Unmarshal(out.Bytes(), &a); err != nil || a.FinishReason != "cancelled" || len(a.IDs) == 0 {
		t.Errorf("%v: %s", err, &out)
	}
}

// Ensure that a file that grows is followed, and that Ctrl-C keeps the session, of which nothing is missing.
func TestStreamFollows(t *testing.T) {
	dir := t.TempDir()
	path, session := filepath.Join(dir, "text"), filepath.Join(dir, "session")
	text := streamText()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(text[:2000]); err != nil {
		t.Fatal(err)
	}
	cmd := process(t, "stream", "--backend=cpu", "--follow", "--session", session, "--json", path)
	var out bytes.Buffer
	cmd.Stdout = &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(500 * time.Millisecond)
	if _, err := f.WriteString(text[2000:]); err != nil {
		t.Fatal(err)
	}
	time.Sleep(1500 * time.Millisecond)
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Error("Ctrl-C is a success")
	}
	var r streamed
	if err := json.Unmarshal(out.Bytes(), &r); err != nil || r.Tokens < 512 {
		t.Errorf("%v in %s", err, &out)
	}
	rest := streamed1(t, "", path, "--session", session, "--ask", streamQuestion, "--max-tokens", "6")
	n := len(decoded[tokens](t, succeed(t, text, "tokenize", "--json")).IDs)
	if strings.TrimSpace(rest.Answer) != "29141" || r.Tokens+rest.Tokens > n || r.Tokens+rest.Tokens < n-512 {
		t.Errorf("%d and then %d tokens of %d, %q", r.Tokens, rest.Tokens, n, rest.Answer)
	}
}

// Ensure that Ctrl-C ends tuning with nothing remembered.
func TestSignalTune(t *testing.T) {
	testkit.GPU(t, webgpu.Options{})
	cmd := tuning(t, t.TempDir(), "--time=10m")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(2*time.Second, func() { cmd.Process.Signal(os.Interrupt) })
	cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 130 {
		t.Errorf("status %d", code)
	}
	if all := tuningFiles(t, cmd); len(all) > 0 {
		t.Errorf("remembered in %q", all)
	}
}

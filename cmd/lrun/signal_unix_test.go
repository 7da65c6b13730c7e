//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"syscall"
	"testing"
	"time"
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
	if _, err := io.ReadFull(out, make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(out)
	if err != nil || !bytes.HasSuffix(rest, []byte("\n")) {
		t.Errorf("%q, %v", rest, err)
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

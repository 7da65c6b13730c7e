//go:build unix

package weights

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// Ensure that a pipe in the place of a file is refused by name, not waited for.
func TestPipesAreRefused(t *testing.T) {
	for _, name := range []string{SingleName, IndexName} {
		dir := t.TempDir()
		if err := syscall.Mkfifo(filepath.Join(dir, name), 0o600); err != nil {
			t.Fatal(err)
		}
		for kind, open := range map[string]func() (*Checkpoint, error){
			"Open":   func() (*Checkpoint, error) { return Open(dir) },
			"OpenFS": func() (*Checkpoint, error) { return OpenFS(os.DirFS(dir), ".") },
		} {
			done := make(chan error, 1)
			go func() {
				_, err := open()
				done <- err
			}()
			select {
			case err := <-done:
				if !errors.Is(err, ErrIrregular) {
					t.Errorf("%s: %s: %v", kind, name, err)
				} else {
					checkMessage(t, err, name)
				}
			case <-time.After(10 * time.Second):
				t.Errorf("%s: %s: waits for a writer", kind, name)
			}
		}
	}
}

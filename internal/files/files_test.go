package files

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// replace is a Replace that must leave one file, of this content.
func replace(t *testing.T, path, content string, write func(io.Writer) error) error {
	t.Helper()
	err := Replace(path, write)
	all, readErr := os.ReadDir(filepath.Dir(path))
	if readErr != nil || len(all) != 1 || all[0].Name() != filepath.Base(path) {
		t.Errorf("the folder holds %v, %v", all, readErr)
	}
	if data, err := os.ReadFile(path); err != nil || string(data) != content {
		t.Errorf("%s holds %q, %v; want %q", path, data, err, content)
	}
	return err
}

// Ensure that a file is made, replaced, and left as it was by a disk that fills up; and nothing is left beside it.
func TestReplace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	for _, content := range []string{"older", "newer", ""} {
		err := replace(t, path, content, func(w io.Writer) error {
			_, err := io.WriteString(w, content)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	errFull := errors.New("no space left on device")
	err := replace(t, path, "", func(w io.Writer) error {
		if _, err := w.Write(make([]byte, 1<<20)); err != nil {
			return err
		}
		return errFull
	})
	if !errors.Is(err, errFull) {
		t.Error(err)
	}
}

// Ensure that what is no regular file stays, and that an error names the file that was meant and no other.
func TestReplaceRefuses(t *testing.T) {
	dir := t.TempDir()
	fail := func(io.Writer) error { t.Error("written"); return nil }
	if err := Replace(dir, fail); err == nil {
		t.Error("a folder was replaced")
	}
	path := filepath.Join(dir, "none", "out")
	err := Error(path, Replace(path, fail))
	if !errors.Is(err, os.ErrNotExist) || err.Error() != path+": "+errors.Unwrap(err).Error() {
		t.Error(err)
	}
}

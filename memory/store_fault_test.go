package memory

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// fullDisk is a file on a disk that is full while full is set: half of a record still fits then.
type fullDisk struct {
	spillFile
	full   *bool
	writes *int
}

func (f fullDisk) WriteAt(data []byte, at int64) (int, error) {
	*f.writes++
	if !*f.full {
		return f.spillFile.WriteAt(data, at)
	}
	n, _ := f.spillFile.WriteAt(data[:len(data)/2], at)
	return n, &os.PathError{Op: "write", Path: f.Name(), Err: syscall.ENOSPC}
}

// Ensure that a full disk loses nothing, that it is tried now and then only, and that with room again all is as before.
func TestStoreFullDisk(t *testing.T) {
	const size = 100
	full, writes := false, 0
	s := newStore(t, size, 4*size)
	s.file.open = func(dir string) (spillFile, error) {
		file, err := createSpill(dir)
		return fullDisk{file, &full, &writes}, err
	}
	ids := put(t, s, 6) // two of them go to the file
	full = true
	ids = append(ids, put(t, s, 200)...)
	got := s.Stats()
	if !errors.Is(got.Fault, syscall.ENOSPC) || got.Records != 206 || got.Spilled != 2 || s.warm != 204 {
		t.Fatalf("%+v, %d warm", got, s.warm)
	}
	for _, part := range []string{"no room to spill memory to " + spilled(t, s), "blocks stay in host memory, above the limit of", "make room"} {
		if !strings.Contains(got.Fault.Error(), part) {
			t.Errorf("%v: says nothing of %q", got.Fault, part)
		}
	}
	if writes > 2+1+200/patience {
		t.Errorf("%d writes to a full disk", writes)
	}
	all := func() {
		t.Helper()
		for i, id := range ids {
			if i < 6 {
				expect(t, s, id, content(size, uint64(i)))
			} else {
				expect(t, s, id, content(size, uint64(i-6)))
			}
		}
		check(t, s)
	}
	all()
	before := s.Stats().Fetched
	s.Prefetch(ids[:2]...)
	s.busy.Wait()
	if s.Stats().Fetched != before {
		t.Error("records were read that there is no room for")
	}
	full = false
	put(t, s, 2*patience)
	if got := s.Stats(); got.Fault != nil || s.warm != 4 {
		t.Fatalf("with room again: %+v, %d warm", got, s.warm)
	}
	all()
}

// Ensure that a folder that is not there, or is none, is a fault that loses nothing, and passes once it is mended.
func TestStoreWithoutFolder(t *testing.T) {
	const size = 100
	dir := filepath.Join(t.TempDir(), "later")
	s := NewStore(size, size, dir)
	ids := put(t, s, 10)
	got := s.Stats()
	if !errors.Is(got.Fault, os.ErrNotExist) || !strings.Contains(got.Fault.Error(), "to "+dir+":") {
		t.Fatalf("%+v", got)
	}
	for i, id := range ids {
		expect(t, s, id, content(size, uint64(i)))
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	put(t, s, 2*patience)
	if got := s.Stats(); got.Fault != nil || got.Spilled == 0 {
		t.Errorf("with a folder: %+v", got)
	}
	for i, id := range ids {
		expect(t, s, id, content(size, uint64(i)))
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// Ensure that a folder in which nothing may be written is a fault too.
func TestStoreReadOnlyFolder(t *testing.T) {
	if runtime.GOOS == "windows" || os.Getuid() == 0 {
		t.Skip("everything may be written here")
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	s := NewStore(100, 100, dir)
	ids := put(t, s, 3)
	if got := s.Stats(); !errors.Is(got.Fault, os.ErrPermission) {
		t.Errorf("%+v", got)
	}
	expect(t, s, ids[0], content(100, 0))
}

// Ensure that the file is its owner's alone, and that reads go on after somebody removed it.
func TestStoreFileRemoved(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("an open file cannot be removed")
	}
	const size = 100
	s := newStore(t, size, size)
	ids := put(t, s, 10)
	path := spilled(t, s)
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	ids = append(ids, put(t, s, 10)...)
	for i, id := range ids {
		expect(t, s, id, content(size, uint64(i%10)))
	}
	check(t, s)
}

// Ensure that a damaged file is an error that says where, and never wrong data, and that whole records still come.
func TestStoreFileDamaged(t *testing.T) {
	const size = 100
	for _, test := range []struct {
		name   string
		damage func(path string) error
		want   string
	}{
		{"cut off", func(path string) error { return os.Truncate(path, 5*size+30) }, "short read, 30 of 100 bytes"},
		{"empty", func(path string) error { return os.Truncate(path, 0) }, "short read, 0 of 100 bytes"},
		{"changed", func(path string) error { return overwrite(path, 5*size+99, []byte{1, 2}) }, "checksum"},
		{"another's", func(path string) error { return overwrite(path, 4*size, content(2*size, 7)) }, "checksum"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newStore(t, size, size)
			ids := put(t, s, 10)
			path := spilled(t, s)
			if err := test.damage(path); err != nil {
				t.Fatal(err)
			}
			dst, wrong := make([]byte, size), 0
			err := s.Get(ids[5], dst)
			if err == nil || !strings.Contains(err.Error(), "record 6 in "+path) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, want %q", err, test.want)
			}
			s.Prefetch(ids...)
			s.busy.Wait()
			for i, id := range ids {
				err := s.Get(id, dst)
				if err == nil && !bytes.Equal(dst, content(size, uint64(i))) {
					t.Fatalf("record %d is wrong", id)
				}
				if err == nil {
					continue
				}
				wrong++
				if !bytes.Equal(dst, make([]byte, size)) {
					t.Errorf("record %d: data with an error", id)
				}
			}
			if wrong == 0 || wrong == len(ids) {
				t.Errorf("%d of %d records are wrong", wrong, len(ids))
			}
			if again := put(t, s, 3); s.Stats().Fault != nil {
				t.Error(s.Stats().Fault)
			} else {
				expect(t, s, again[0], content(size, 0))
			}
			check(t, s)
		})
	}
}

func overwrite(path string, at int64, data []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = file.WriteAt(data, at)
	return err
}

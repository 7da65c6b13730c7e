package memory

import (
	"errors"
	"syscall"
	"testing"
)

// Ensure that a disk that is really full loses nothing, and that records go to it again when others have left.
func TestStoreTinyDisk(t *testing.T) {
	const size = 4096
	dir := t.TempDir()
	if err := syscall.Mount("none", dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Skip("no disk may be mounted here:", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	s := NewStore(size, 2*size, dir)
	defer s.Close()
	ids := put(t, s, 100)
	if got := s.Stats(); !errors.Is(got.Fault, syscall.ENOSPC) || got.FileBytes != 64<<10 || got.Spilled != 16 {
		t.Fatalf("%+v", got)
	}
	t.Log(s.Stats().Fault)
	for i, id := range ids {
		expect(t, s, id, content(size, uint64(i)))
	}
	check(t, s)
	for _, id := range ids[10:] {
		s.Free(id)
	}
	put(t, s, patience+2)
	for _, id := range ids[:10] {
		expect(t, s, id, content(size, uint64(id-ids[0])))
	}
	if got := s.Stats(); got.Spilled <= 16 {
		t.Errorf("with room again: %+v", got)
	}
	check(t, s)
}

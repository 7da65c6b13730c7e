package cpu

import (
	"strings"
	"testing"

	"github.com/lrun/lrun/backend"
)

// Ensure that what no machine can hold is an error, not the end of the program.
func TestOutOfMemory(t *testing.T) {
	b := Open()
	if _, err := b.NewMatrix(backend.BF16, 1<<20, 1<<22, 1); err == nil || !strings.Contains(err.Error(), "out of memory") {
		t.Errorf("8 TiB: error %v, want out of memory", err)
	}
	if _, err := b.NewTensor(1<<40, 1<<40); err == nil {
		t.Error("2^82 bytes were given")
	}
	if _, err := b.NewKV(backend.F16, 1<<30, 16, 64, 256); err == nil {
		t.Error("a cache of 1 PiB was given")
	}
	if b.Memory() != 0 {
		t.Errorf("%d bytes are held", b.Memory())
	}
}

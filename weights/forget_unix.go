//go:build unix

package weights

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// forget tells the system that a part of a mapping is not needed for now: it goes out of the process's resident memory, and
// comes back from the page cache when it is read.
func forget(data []byte) {
	page := uintptr(os.Getpagesize())
	lead := -uintptr(unsafe.Pointer(unsafe.SliceData(data))) % page
	if size := uintptr(len(data)); size >= lead+page {
		_ = unix.Madvise(data[lead:size-(size-lead)%page], unix.MADV_DONTNEED) // advice: nothing is lost without
	}
}

package weights

import (
	"fmt"
	"io/fs"
	"math"
	"os"

	"github.com/edsrzf/mmap-go"

	"github.com/lrun/lrun/internal/files"
)

// mapFile maps a file for reading. An empty file gives no bytes and needs no unmap, which is nil then.
func mapFile(path string) (data []byte, unmap func() error, err error) {
	// Opening a pipe would wait for its writer, so look first.
	info, err := os.Stat(path)
	if err != nil {
		return nil, nil, files.Error(path, err)
	}
	if !info.Mode().IsRegular() {
		return nil, nil, fmt.Errorf("%s: %w", path, ErrIrregular)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, files.Error(path, err)
	}
	defer f.Close() // the mapping holds the file by itself
	info, err = f.Stat()
	if err != nil {
		return nil, nil, files.Error(path, err)
	}
	if info.Size() == 0 {
		return nil, nil, nil
	}
	if info.Size() > math.MaxInt {
		return nil, nil, fmt.Errorf("%s: %d bytes are too many to map on this system", path, info.Size())
	}
	m, err := mmap.MapRegion(f, int(info.Size()), mmap.RDONLY, 0, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: map %d bytes: %w", path, info.Size(), err)
	}
	return m, m.Unmap, nil
}

// readRegular reads a file, but no pipe, which would be waited for, and no device, which may have no end.
func readRegular(fsys fs.FS, name string) ([]byte, error) {
	info, err := fs.Stat(fsys, name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, ErrIrregular
	}
	return fs.ReadFile(fsys, name)
}

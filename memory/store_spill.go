package memory

import (
	"cmp"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
)

// spillFile is what a spill needs of a file.
type spillFile interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Truncate(size int64) error
	Name() string
}

// createSpill makes a file that only its owner can read: what it holds is somebody's text.
func createSpill(dir string) (spillFile, error) { return os.CreateTemp(dir, "lrun-spill-*.kv") }

// spill is a file of records, made when the first one comes.
type spill struct {
	size int // bytes a record
	dir  string
	open func(dir string) (spillFile, error)
	file spillFile
	end  int32 // places, [end][size] in the file
	free []int32
}

// castagnoli makes the checksums CRC-32C, for which processors have an instruction.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// write finds a place for a record, and writes it there.
func (f *spill) write(data []byte) (place int32, sum uint32, err error) {
	if f.file == nil {
		if f.file, err = f.open(f.dir); err != nil {
			f.file = nil // an interface around a nil file would not be nil
			return 0, 0, bare(err)
		}
	}
	place = f.end
	last := len(f.free) - 1
	if last >= 0 {
		place = f.free[last]
	}
	if _, err := f.file.WriteAt(data, f.offset(place)); err != nil {
		return 0, 0, bare(err)
	}
	if last >= 0 {
		f.free = f.free[:last]
	} else {
		f.end++
	}
	return place, crc32.Checksum(data, castagnoli), nil
}

// read copies the record id from its place to dst: what does not have the checksum sum is an error, and dst zeros.
func (f *spill) read(id, place int32, sum uint32, dst []byte) error {
	n, err := f.file.ReadAt(dst, f.offset(place))
	switch {
	case n == len(dst) && crc32.Checksum(dst, castagnoli) == sum:
		return nil
	case n == len(dst):
		err = errors.New("the checksum is wrong: something else changed the file")
	case errors.Is(err, io.EOF):
		err = fmt.Errorf("short read, %d of %d bytes: something else cut the file off", n, len(dst))
	}
	clear(dst)
	return fmt.Errorf("memory: record %d in %s: %w", id, f.file.Name(), bare(err))
}

// give takes a place back. A file without records is emptied, to give the disk back.
func (f *spill) give(place int32) {
	f.free = append(f.free, place)
	if len(f.free) == int(f.end) && f.file.Truncate(0) == nil {
		f.end, f.free = 0, nil
	}
}

// close removes the file; that somebody else did is fine.
func (f *spill) close() error {
	if f.file == nil {
		return nil
	}
	name, err := f.file.Name(), f.file.Close()
	f.file, f.end, f.free = nil, 0, nil
	if gone := os.Remove(name); !errors.Is(gone, fs.ErrNotExist) {
		err = cmp.Or(err, gone)
	}
	return err
}

// name is that of the file, or of the folder before there is one.
func (f *spill) name() string {
	if f.file == nil {
		return cmp.Or(f.dir, os.TempDir())
	}
	return f.file.Name()
}

func (f *spill) offset(place int32) int64 { return int64(place) * int64(f.size) }

// bytes is the size of the file.
func (f *spill) bytes() int64 { return f.offset(f.end) }

// bare is the cause of an error without the name of the file, which the message around it says.
func bare(err error) error {
	if at := (*fs.PathError)(nil); errors.As(err, &at) {
		return at.Err
	}
	return err
}

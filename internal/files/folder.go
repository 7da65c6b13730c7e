package files

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// NewFolder makes a folder at path, where nothing may be, of what write puts into the folder that it is given. It appears at
// once, and nothing is left where anything fails.
func NewFolder(path string, write func(dir string) error) (err error) {
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("%s is there already: name a folder that is not", path)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return Error(path, err)
	}
	path = filepath.Clean(path)
	temp := filepath.Join(filepath.Dir(path), fmt.Sprintf(".%s-%08x.tmp", filepath.Base(path), rand.Uint32()))
	if err := os.Mkdir(temp, 0o777); err != nil {
		return Error(path, err)
	}
	defer func() {
		if err != nil {
			os.RemoveAll(temp)
		}
	}()
	if err := write(temp); err != nil {
		return fmt.Errorf("%s was not written: %w", path, err)
	}
	if err := os.Rename(temp, path); err != nil {
		return Error(path, err)
	}
	return nil
}

package webgpu

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/lrun/lrun/wgsl"
)

// remembered is the file of a tuning: of one adapter and driver, and of the kernels that were measured.
type remembered struct {
	Adapter string `json:"adapter"`
	Driver  string `json:"driver"`
	API     string `json:"api"`
	Kernels string `json:"kernels"` // wgsl.Version
	Tuning  Tuning `json:"tuning"`
}

var notInFileNames = regexp.MustCompile(`[^a-z0-9]+`)

// tuningFile is where an adapter's tuning is remembered, in the user's cache directory.
func tuningFile(a AdapterInfo) (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no place to remember a tuning: %w", err)
	}
	name := strings.ToLower(a.Name + " " + a.Driver + " " + a.API)
	return filepath.Join(dir, "lrun", "tuning-"+strings.Trim(notInFileNames.ReplaceAllString(name, "-"), "-")+".json"), nil
}

// tuningOf is the tuning remembered for an adapter, else the defaults, and in words which of them. LRUN_TUNING=off has the
// defaults.
func tuningOf(a AdapterInfo) (Tuning, string) {
	if os.Getenv("LRUN_TUNING") == "off" {
		return defaults(a.Kind), "defaults: LRUN_TUNING=off"
	}
	file, err := tuningFile(a)
	if err != nil {
		return defaults(a.Kind), "defaults: " + err.Error()
	}
	t, err := readTuning(file, a)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return defaults(a.Kind), "defaults; lrun tune measures"
	case err != nil:
		return defaults(a.Kind), fmt.Sprintf("defaults: %s is ignored: %v; run lrun tune again", file, err)
	}
	return t, "measured: " + file
}

func readTuning(file string, a AdapterInfo) (t Tuning, err error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return t, err
	}
	var r remembered
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		return t, err
	}
	switch {
	case r.Adapter != a.Name || r.Driver != a.Driver || r.API != a.API:
		return t, fmt.Errorf("it is of %s with driver %s (%s)", r.Adapter, r.Driver, r.API)
	case r.Kernels != wgsl.Version():
		return t, errors.New("it is of other kernels than this lrun's")
	}
	return r.Tuning, r.Tuning.check()
}

// remember keeps a tuning for every later device on the adapter, and returns the file.
func remember(a AdapterInfo, t Tuning) (string, error) {
	file, err := tuningFile(a)
	if err != nil {
		return "", err
	}
	data, err := json.MarshalIndent(remembered{a.Name, a.Driver, a.API, wgsl.Version(), t}, "", "  ")
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return "", err
	}
	unfinished, err := os.CreateTemp(filepath.Dir(file), "tuning-*")
	if err != nil {
		return "", err
	}
	defer os.Remove(unfinished.Name()) // unless renamed
	_, err = unfinished.Write(append(data, '\n'))
	if err := errors.Join(err, unfinished.Close()); err != nil {
		return "", err
	}
	return file, os.Rename(unfinished.Name(), file)
}

// forget drops what is remembered for an adapter, and returns the file; that there is none is no error.
func forget(a AdapterInfo) (string, error) {
	file, err := tuningFile(a)
	if err != nil {
		return "", err
	}
	if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	return file, nil
}

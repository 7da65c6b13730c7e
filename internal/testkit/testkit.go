// Package testkit finds what lrun's tests need on the machine they run on: fixtures and backends.
package testkit

import (
	"os"
	"path/filepath"
	"runtime"
	"sort"
	"sync"
	"testing"

	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/backend/cpu"
	"github.com/lrun/lrun/backend/webgpu"
)

// Root is the module's folder.
func Root() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Dir(filepath.Dir(filepath.Dir(file)))
}

// Shared is a path in the project's shared folder when that is there, else the copy in testdata.
func Shared(parts ...string) string {
	path := filepath.Join(append([]string{filepath.Dir(Root()), "shared"}, parts...)...)
	if _, err := os.Stat(path); err == nil {
		return path
	}
	return filepath.Join(append([]string{Root(), "testdata"}, parts...)...)
}

// Fixtures are the folders of golden fixtures: the shared ones, or testdata's copy of some, and those in the folders that
// LRUN_FIXTURES lists.
func Fixtures(t testing.TB) []string {
	var dirs []string
	for _, root := range append(filepath.SplitList(os.Getenv("LRUN_FIXTURES")), Shared("golden")) {
		found, err := filepath.Glob(filepath.Join(root, "*", "golden.safetensors"))
		if err != nil || len(found) == 0 {
			t.Fatalf("no fixtures in %s (%v)", root, err)
		}
		for _, f := range found {
			dirs = append(dirs, filepath.Dir(f))
		}
	}
	sort.Strings(dirs)
	return dirs
}

// Testdata is a path in testdata.
func Testdata(parts ...string) string {
	return filepath.Join(append([]string{Root(), "testdata"}, parts...)...)
}

var gpu = sync.OnceValues(func() (backend.Backend, error) { return webgpu.Open(webgpu.Options{}) })

// Backends are the CPU backend and, where there is an adapter, WebGPU's, which all tests of a program share. With
// LRUN_GPU=require a missing adapter fails the test; with LRUN_GPU=off none is looked for.
func Backends(t testing.TB) []backend.Backend {
	all := []backend.Backend{cpu.Open()}
	want := os.Getenv("LRUN_GPU")
	if want == "off" {
		return all
	}
	b, err := gpu()
	switch {
	case err == nil:
		all = append(all, b)
	case want == "require":
		t.Fatalf("LRUN_GPU=require: %v", err)
	default:
		t.Logf("without WebGPU: %v", err)
	}
	return all
}

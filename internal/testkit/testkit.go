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

// No test depends on what is remembered for this machine, unless it says so.
func init() {
	if _, said := os.LookupEnv("LRUN_TUNING"); !said {
		os.Setenv("LRUN_TUNING", "off")
	}
}

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

// OnlyShared is a path in the project's shared folder of which testdata has no copy. Where that is not, the test is skipped.
func OnlyShared(t testing.TB, parts ...string) string {
	t.Helper()
	path := Shared(parts...)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("the shared folder is not here: %v", err)
	}
	return path
}

// Fixtures are the folders of golden fixtures: the shared ones, or testdata's copy of some, and those in the folders that
// LRUN_FIXTURES lists, each a fixture or a folder of them.
func Fixtures(t testing.TB) []string {
	var dirs []string
	for _, root := range append(filepath.SplitList(os.Getenv("LRUN_FIXTURES")), Shared("golden")) {
		n := len(dirs)
		for _, pattern := range []string{"golden.safetensors", "*/golden.safetensors"} {
			found, err := filepath.Glob(filepath.Join(root, pattern))
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range found {
				dirs = append(dirs, filepath.Dir(f))
			}
		}
		if len(dirs) == n {
			t.Fatalf("no fixtures in %s", root)
		}
	}
	sort.Strings(dirs)
	return dirs
}

// Testdata is a path in testdata.
func Testdata(parts ...string) string {
	return filepath.Join(append([]string{Root(), "testdata"}, parts...)...)
}

// GPU opens a WebGPU backend of a test's own, with options, or skips the test where there is no adapter; with
// LRUN_GPU=require that is a failure.
func GPU(t testing.TB, o webgpu.Options) backend.Backend {
	if os.Getenv("LRUN_GPU") == "off" {
		t.Skip("LRUN_GPU=off")
	}
	b, err := webgpu.Open(o)
	if err != nil && os.Getenv("LRUN_GPU") == "require" {
		t.Fatalf("LRUN_GPU=require: %v", err)
	} else if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
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

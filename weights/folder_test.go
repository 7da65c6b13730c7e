package weights

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
)

// shardA has "a" and "common"; shardB has "b".
var (
	shardA = file(`{"__metadata__":{"format":"pt"},"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"common":{"dtype":"U8","shape":[],"data_offsets":[2,3]}}`, 3)
	shardB = file(`{"__metadata__":{"format":"np"},"b":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}`, 4)
)

// folders are checkpoints and what is nearly one: file name to content.
var folders = []struct {
	name  string
	files map[string]string
	names []string // the tensors, when there is no fault
	want  error
	says  string
}{
	{"single", map[string]string{SingleName: string(shardA)}, []string{"a", "common"}, nil, ""},
	{"single before index", map[string]string{SingleName: string(shardA), IndexName: "{"}, []string{"a", "common"}, nil, ""},
	{"sharded", map[string]string{"1.safetensors": string(shardA), "2.safetensors": string(shardB),
		IndexName: `{"metadata":{"total_size":1e9},"weight_map":{"a":"1.safetensors","common":"1.safetensors","b":"2.safetensors"}}`},
		[]string{"a", "b", "common"}, nil, ""},
	{"unlisted file", map[string]string{"1.safetensors": string(shardB), "2.safetensors": "junk", IndexName: `{"weight_map":{"b":"1.safetensors"}}`},
		[]string{"b"}, nil, ""},

	{"empty folder", map[string]string{"config.json": "{}"}, nil, ErrNoCheckpoint, "is this the model's folder"},
	{"other name", map[string]string{"adapter_model.safetensors": "", "pytorch_model.bin": ""}, nil, ErrNoCheckpoint, "adapter_model.safetensors"},
	{"shards without index", map[string]string{"model-00001-of-00002.safetensors": ""}, nil, ErrNoCheckpoint, "download the index"},
	{"pickle", map[string]string{"pytorch_model.bin": ""}, nil, ErrNoCheckpoint, "safe_serialization=True"},
	{"pickle in shards", map[string]string{"pytorch_model-00001-of-00002.bin": ""}, nil, ErrNoCheckpoint, "pickle"},
	{"empty single", map[string]string{SingleName: ""}, nil, ErrTruncated, SingleName},
	{"single is a folder", map[string]string{SingleName + "/x": ""}, nil, ErrIrregular, SingleName},
	{"index is a folder", map[string]string{IndexName + "/x": ""}, nil, ErrIrregular, IndexName},
	{"shard is a folder", map[string]string{IndexName: `{"weight_map":{"a":"1"}}`, "1/x": ""}, nil, ErrIrregular, "m/1"},

	{"empty index", map[string]string{IndexName: ""}, nil, ErrIndex, IndexName},
	{"index not JSON", map[string]string{IndexName: `{"weight_map":`}, nil, ErrIndex, ""},
	{"index a list", map[string]string{IndexName: `[]`}, nil, ErrIndex, "object"},
	{"index a long number", map[string]string{IndexName: strings.Repeat("1", 1000)}, nil, ErrIndex, "object"},
	{"shard a long number", map[string]string{IndexName: `{"weight_map":{"a":` + strings.Repeat("1", 1000) + `}}`}, nil, ErrIndex, `"a"`},
	{"index a pointer", map[string]string{IndexName: lfsPointer + "v1\n"}, nil, ErrPointer, "git lfs"},
	{"no weight_map", map[string]string{IndexName: `{"metadata":{}}`}, nil, ErrIndex, "weight_map"},
	{"empty weight_map", map[string]string{IndexName: `{"weight_map":{}}`}, nil, ErrIndex, "weight_map"},
	{"null weight_map", map[string]string{IndexName: `{"weight_map":null}`}, nil, ErrIndex, "weight_map"},
	{"shard is a number", map[string]string{IndexName: `{"weight_map":{"a":1}}`}, nil, ErrIndex, `"a"`},
	{"tensor twice in index", map[string]string{IndexName: `{"weight_map":{"a":"1.safetensors","a":"2.safetensors"}}`}, nil, ErrDuplicate, `"a"`},
	{"weight_map twice", map[string]string{IndexName: `{"weight_map":{"a":"1"},"weight_map":{"a":"1"}}`}, nil, ErrDuplicate, "weight_map"},
	{"absolute shard", map[string]string{IndexName: `{"weight_map":{"a":"/etc/passwd"}}`}, nil, ErrShardName, "/etc/passwd"},
	{"shard above", map[string]string{IndexName: `{"weight_map":{"a":"../x"}}`}, nil, ErrShardName, "../x"},
	{"shard is the parent", map[string]string{IndexName: `{"weight_map":{"a":".."}}`}, nil, ErrShardName, ""},
	{"shard is the folder", map[string]string{IndexName: `{"weight_map":{"a":"."}}`}, nil, ErrShardName, ""},
	{"shard has no name", map[string]string{IndexName: `{"weight_map":{"a":""}}`}, nil, ErrShardName, ""},
	{"shard below", map[string]string{IndexName: `{"weight_map":{"a":"sub/x"}}`, "sub/x": string(shardA)}, nil, ErrShardName, "beside"},
	{"shard behind backslash", map[string]string{IndexName: `{"weight_map":{"a":"..\\x"}}`}, nil, ErrShardName, ""},
	{"shard on a drive", map[string]string{IndexName: `{"weight_map":{"a":"C:x"}}`}, nil, ErrShardName, ""},
	{"shard with NUL", map[string]string{IndexName: `{"weight_map":{"a":"x\u0000"}}`}, nil, ErrShardName, ""},
	{"shard missing", map[string]string{IndexName: `{"weight_map":{"a":"1.safetensors"}}`}, nil, ErrShardMissing, `"1.safetensors"`},
	{"shard truncated", map[string]string{IndexName: `{"weight_map":{"a":"1.safetensors"}}`, "1.safetensors": string(shardA[:len(shardA)-1])},
		nil, ErrPastEnd, "1.safetensors"},
	{"tensor in no shard", map[string]string{IndexName: `{"weight_map":{"a":"1.safetensors","c":"1.safetensors"}}`, "1.safetensors": string(shardA)},
		nil, ErrNotInShard, `"c"`},
	{"tensor in another shard", map[string]string{IndexName: `{"weight_map":{"a":"2.safetensors","b":"1.safetensors"}}`, "1.safetensors": string(shardA), "2.safetensors": string(shardB)},
		nil, ErrNotInShard, `"a"`},
	{"tensor not in the index", map[string]string{"1.safetensors": string(shardA), IndexName: `{"weight_map":{"a":"1.safetensors"}}`},
		nil, ErrNotInIndex, `index.json: tensor "common"`},
	{"tensor in two shards", map[string]string{IndexName: `{"weight_map":{"a":"1.safetensors","common":"2.safetensors"}}`, "1.safetensors": string(shardA), "2.safetensors": string(shardA)},
		nil, ErrDuplicate, "1.safetensors"},
}

// Ensure that a folder opens alike from a disk and from an fs.FS, and that each fault has its error.
func TestFolders(t *testing.T) {
	for _, test := range folders {
		t.Run(test.name, func(t *testing.T) {
			dir, mapped := t.TempDir(), fstest.MapFS{}
			for name, content := range test.files {
				write(t, filepath.Join(dir, "m", name), []byte(content))
				mapped["m/"+name] = &fstest.MapFile{Data: []byte(content)}
			}
			for kind, open := range map[string]func() (*Checkpoint, error){
				"Open":   func() (*Checkpoint, error) { return Open(filepath.Join(dir, "m")) },
				"OpenFS": func() (*Checkpoint, error) { return OpenFS(mapped, "m") },
			} {
				c, err := open()
				if test.names == nil {
					if err == nil || test.want != nil && !errors.Is(err, test.want) {
						t.Fatalf("%s: error %v, want %v", kind, err, test.want)
					}
					checkMessage(t, err, "m", test.says)
					continue
				}
				if err != nil {
					t.Fatalf("%s: %v", kind, err)
				}
				if !slices.Equal(c.Names(), test.names) {
					t.Errorf("%s: tensors %v, want %v", kind, c.Names(), test.names)
				}
				if err := c.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// Ensure that tensors know their shard, bytes are counted, and the first shard's metadata wins.
func TestShardsAreOneCheckpoint(t *testing.T) {
	c, err := OpenFS(fstest.MapFS{
		"1": {Data: shardA}, "2": {Data: shardB},
		IndexName: {Data: []byte(`{"weight_map":{"b":"2","a":"1","common":"1"}}`)},
	}, ".")
	if err != nil {
		t.Fatal(err)
	}
	b, ok := c.Tensor("b")
	if !ok || b.File != "2" || b.String() != "b U8 [4]" || b.Elements() != 4 {
		t.Errorf("tensor %v of %q", b, b.File)
	}
	if _, ok := c.Tensor("c"); ok {
		t.Error("there is a tensor c")
	}
	if !slices.Equal(c.Files(), []string{"1", "2"}) || c.Bytes() != 7 || c.Metadata()["format"] != "pt" {
		t.Errorf("files %v, %d bytes, metadata %v", c.Files(), c.Bytes(), c.Metadata())
	}
}

// Ensure that a Hugging Face cache opens, where each file is a link to a blob outside the folder, and that a link to a
// blob that is gone is told from no checkpoint at all.
func TestLinksAreFollowed(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links need a privilege there")
	}
	root := t.TempDir()
	write(t, filepath.Join(root, "blobs", "c0ffee"), shardA)
	snapshot := filepath.Join(root, "snapshots", "main")
	write(t, filepath.Join(snapshot, IndexName), []byte(`{"weight_map":{"a":"1.safetensors","common":"1.safetensors"}}`))
	if err := os.Symlink("../../blobs/c0ffee", filepath.Join(snapshot, "1.safetensors")); err != nil {
		t.Fatal(err)
	}
	c, err := Open(snapshot)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()

	broken := t.TempDir()
	if err := os.Symlink("../../blobs/gone", filepath.Join(broken, SingleName)); err != nil {
		t.Fatal(err)
	}
	_, err = Open(broken)
	if !errors.Is(err, ErrNoCheckpoint) {
		t.Fatal(err)
	}
	checkMessage(t, err, "links to a file that is gone")
}

// Ensure that paths that are no folder or no file say so.
func TestWrongPaths(t *testing.T) {
	path := write(t, filepath.Join(t.TempDir(), SingleName), shardA)
	gone := filepath.Join(filepath.Dir(path), "gone")
	for name, test := range map[string]struct {
		err  func() error
		want error
		says string
	}{
		"folder is a file":     {func() error { _, err := Open(path); return err }, ErrNoCheckpoint, "give its folder"},
		"folder is gone":       {func() error { _, err := Open(gone); return err }, fs.ErrNotExist, gone},
		"folder has no name":   {func() error { _, err := Open(""); return err }, fs.ErrNotExist, ""},
		"file is gone":         {func() error { _, err := OpenFile(gone); return err }, fs.ErrNotExist, gone},
		"file is a folder":     {func() error { _, err := OpenFile(filepath.Dir(path)); return err }, nil, "not a regular file"},
		"embedded folder gone": {func() error { _, err := OpenFS(fstest.MapFS{}, "gone"); return err }, fs.ErrNotExist, "gone"},
		"embedded path odd":    {func() error { _, err := OpenFS(fstest.MapFS{}, "../x"); return err }, fs.ErrInvalid, "../x"},
	} {
		err := test.err()
		if err == nil || test.want != nil && !errors.Is(err, test.want) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		checkMessage(t, err, test.says)
	}
}

// Ensure that Close can be called twice, at once too, and leaves tensors empty rather than dangling.
func TestCloseIsIdempotent(t *testing.T) {
	path := write(t, filepath.Join(t.TempDir(), SingleName), encoded(t, sample(), nil))
	c, err := Open(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	tensor, ok := c.Tensor("layer.F32")
	if !ok {
		t.Fatal("no tensor")
	}
	var readers, closers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			if len(tensor.Float32s()) != 6 || len(c.Names()) != len(sample()) {
				t.Error("tensor or names are not whole")
			}
		})
	}
	readers.Wait()
	for range 4 {
		closers.Go(func() {
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	closers.Wait()
	if len(tensor.Float32s()) != 0 || tensor.ReadFloat32(make([]float32, 6), 0) != 0 || len(c.Names()) != 0 {
		t.Error("a closed checkpoint has elements")
	}
	if _, ok := c.Tensor("layer.F32"); ok {
		t.Error("a closed checkpoint has tensors")
	}
}

// Ensure that every fixture opens and has what its place promises, and that the same holds of a generated one.
func TestFixturesOpen(t *testing.T) {
	files, dirs := fixtures(t)
	generated := write(t, filepath.Join(t.TempDir(), SingleName), encoded(t, sample(), nil))
	for _, path := range append(files, generated) {
		c, err := OpenFile(path)
		if err != nil {
			t.Error(err)
			continue
		}
		for _, name := range c.Names() {
			tensor, _ := c.Tensor(name)
			if n := len(tensor.Float32s()); n != tensor.Elements() {
				t.Errorf("%s: %s: %d elements", path, tensor, n)
			}
			if ids, err := tensor.Int64s(); strings.HasSuffix(name, "input_ids") && (err != nil || len(ids) == 0) {
				t.Errorf("%s: %s: %v %v", path, name, ids, err)
			}
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
	for _, dir := range append(dirs, filepath.Dir(generated)) {
		c, err := Open(dir)
		if err != nil {
			t.Error(err)
			continue
		}
		if filepath.Base(dir) == "llama_mha_sharded" && len(c.Files()) != 4 {
			t.Errorf("%s: files %v", dir, c.Files())
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
}

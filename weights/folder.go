package weights

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lrun/lrun/internal/files"
)

// The files that make a folder a checkpoint.
const (
	ConfigName = "config.json" // has the quantization_config
	SingleName = "model.safetensors"
	IndexName  = "model.safetensors.index.json"
)

// folder is a place to open a checkpoint from: a directory, mapped, or a folder of an fs.FS, read.
type folder struct {
	fs.FS
	path func(name string) string
	load func(name string) (data []byte, unmap func() error, err error)
}

// Open maps the checkpoint in the folder dir: model.safetensors or else, as transformers does, the shards that
// model.safetensors.index.json names. Where config.json has a quantization_config, quantised weights are presented as plain
// ones (see Tensor.Packed), and what does not fit it gives ErrQuantised. A folder without either gives ErrNoCheckpoint, which says what there is instead; an
// index that is wrong gives ErrIndex, ErrShardName, ErrShardMissing, ErrNotInShard, ErrNotInIndex or ErrDuplicate; a file
// the errors of OpenFile.
func Open(dir string) (*Checkpoint, error) {
	info, err := os.Stat(dir)
	if err != nil {
		return nil, files.Error(dir, err)
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("%s: %w: it is a file: give its folder", dir, ErrNoCheckpoint)
	}
	inDir := func(name string) string { return filepath.Join(dir, name) }
	return folder{
		FS:   os.DirFS(dir),
		path: inDir,
		load: func(name string) ([]byte, func() error, error) { return mapFile(inDir(name)) },
	}.open()
}

// OpenFS reads the checkpoint in the folder dir of fsys ("." for its root), such as an embed.FS, into memory. It is Open
// in all other respects.
func OpenFS(fsys fs.FS, dir string) (*Checkpoint, error) {
	sub, err := fs.Sub(fsys, dir)
	if err != nil {
		return nil, files.Error(dir, err)
	}
	return folder{
		FS:   sub,
		path: func(name string) string { return path.Join(dir, name) },
		load: func(name string) ([]byte, func() error, error) {
			data, err := readRegular(sub, name)
			if err != nil {
				return nil, nil, files.Error(path.Join(dir, name), err)
			}
			return data, nil, nil
		},
	}.open()
}

func (d folder) open() (*Checkpoint, error) {
	c := newCheckpoint()
	fill := d.addMissing
	switch {
	case d.has(SingleName):
		fill = d.addSingle
	case d.has(IndexName):
		fill = d.addShards
	}
	err := fill(c)
	if err == nil {
		err = d.dequantise(c)
	}
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c.sorted(), nil
}

// has tells whether a file is there, or something else is that stands in its place; load says what then.
func (d folder) has(name string) bool {
	_, err := fs.Stat(d.FS, name) // of d it would open the file
	return !errors.Is(err, fs.ErrNotExist)
}

func (d folder) addSingle(c *Checkpoint) error {
	data, unmap, err := d.load(SingleName)
	if err != nil {
		return err
	}
	return c.add(d.path(SingleName), data, unmap)
}

func (d folder) addShards(c *Checkpoint) error {
	index := d.path(IndexName)
	data, err := readRegular(d.FS, IndexName)
	if err != nil {
		return files.Error(index, err)
	}
	weightMap, err := parseIndex(index, data)
	if err != nil {
		return err
	}
	shards := slices.Compact(slices.Sorted(maps.Values(weightMap)))
	for _, shard := range shards {
		if !d.has(shard) {
			return fmt.Errorf("%s: %w: %s is needed: download it into the same folder", index, ErrShardMissing, quote(shard))
		}
	}
	for _, shard := range shards {
		data, unmap, err := d.load(shard)
		if err != nil {
			return err
		}
		if err := c.add(d.path(shard), data, unmap); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(weightMap)) {
		t, ok := c.tensors[name]
		if want := d.path(weightMap[name]); !ok || t.File != want {
			return fmt.Errorf("%s: tensor %s: %w: %s does not have it: download index and shards of the same revision",
				index, quote(name), ErrNotInShard, want)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.tensors)) {
		if _, ok := weightMap[name]; !ok {
			return fmt.Errorf("%s: tensor %s: %w: %s has it: download index and shards of the same revision",
				index, quote(name), ErrNotInIndex, c.tensors[name].File)
		}
	}
	return nil
}

// addMissing adds nothing: it says what the folder has instead of a checkpoint.
func (d folder) addMissing(*Checkpoint) error {
	dir := d.path(".")
	entries, err := fs.ReadDir(d, ".")
	if err != nil {
		return files.Error(dir, err)
	}
	var others []string
	pickle := ""
	for _, e := range entries {
		switch name := e.Name(); {
		case name == SingleName || name == IndexName:
			return fmt.Errorf("%s: %w: it links to a file that is gone: %s", d.path(name), ErrNoCheckpoint, tryAgain)
		case strings.HasSuffix(name, ".safetensors"):
			others = append(others, name)
		case strings.HasSuffix(name, ".bin") && strings.HasPrefix(name, "pytorch_model"):
			pickle = name
		}
	}
	switch {
	case len(others) > 0 && strings.HasPrefix(others[0], "model-0"):
		return fmt.Errorf("%s: %w: there are shards (%s) but no %s: download the index too", dir, ErrNoCheckpoint, others[0], IndexName)
	case len(others) > 0:
		return fmt.Errorf("%s: %w: there is %s but no %s: rename it if it is the model", dir, ErrNoCheckpoint, others[0], SingleName)
	case pickle != "":
		return fmt.Errorf("%s: %w: there is only %s, a pickle: convert it with transformers, save_pretrained(dir, safe_serialization=True)",
			dir, ErrNoCheckpoint, pickle)
	}
	return fmt.Errorf("%s: %w: there is neither %s nor %s: is this the model's folder?", dir, ErrNoCheckpoint, SingleName, IndexName)
}

package lrun

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/lrun/lrun/model"
	"github.com/lrun/lrun/tokenizer"
	"github.com/lrun/lrun/weights"
)

// Open loads the checkpoint in a folder as Hugging Face writes it: config.json, safetensors (memory-mapped), tokenizer
// files, generation_config.json. Errors name the file, key or tensor that is wrong.
func Open(dir string, options ...Option) (*Model, error) {
	at, err := onDisk(dir)
	if err != nil {
		return nil, err
	}
	return open(at, options)
}

// OpenFS is Open for a checkpoint at the root of a file system, such as an embedded one; name stands for it in errors.
func OpenFS(fsys fs.FS, name string, options ...Option) (*Model, error) {
	return open(inFS(fsys, name), options)
}

// folder is a checkpoint's folder.
type folder struct {
	fs.FS
	name    string
	weights func() (*weights.Checkpoint, error)
}

// onDisk is a folder of the disk, whose weights are memory-mapped.
func onDisk(dir string) (folder, error) {
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return folder{}, fmt.Errorf("there is no folder %s", dir)
	case err != nil:
		return folder{}, err
	case !info.IsDir():
		return folder{}, fmt.Errorf("%s is a file; name the folder that holds config.json", dir)
	}
	return folder{os.DirFS(dir), dir, func() (*weights.Checkpoint, error) { return weights.Open(dir) }}, nil
}

// inFS is the root of a file system.
func inFS(fsys fs.FS, name string) folder {
	return folder{fsys, name, func() (*weights.Checkpoint, error) { return weights.OpenFS(fsys, ".") }}
}

func open(dir folder, options []Option) (*Model, error) {
	o, err := choose(options)
	if err != nil {
		return nil, err
	}
	spec, err := dir.spec(o)
	if err != nil {
		return nil, err
	}
	m := &Model{bounded: o.context > 0}
	if m.policy, err = o.policy(spec); err != nil {
		return nil, err
	}
	if m.context, err = o.contextOf(spec, m.policy); err != nil {
		return nil, err
	}
	if m.tokenizer, err = dir.tokenizer(); err != nil {
		return nil, err
	}
	if err := m.generation(dir, spec.Vocab); err != nil {
		return nil, err
	}
	ckpt, err := o.weights(dir)
	if err != nil {
		return nil, err
	}
	defer ckpt.Close()
	if m.backend, err = openBackend(o.backend, o.adapter); err != nil {
		return nil, err
	}
	m.net, err = model.Load(m.backend, spec, ckpt, model.Options{
		Chunk: o.chunk, KV: o.kv, Quant: o.quant, Memory: m.policy, Room: o.room, Progress: o.progress,
	})
	if err != nil {
		return nil, errors.Join(err, m.backend.Close())
	}
	m.weights = fingerprint(ckpt)
	if m.info, err = newInfo(dir, spec, ckpt, o, m.policy, m.context); err != nil {
		return nil, errors.Join(err, m.Close())
	}
	return m, nil
}

// read is a file of the folder; what is no file, such as a pipe, is an error.
func (dir folder) read(name string) ([]byte, error) {
	info, err := fs.Stat(dir.FS, name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file", filepath.Join(dir.name, name))
	}
	return fs.ReadFile(dir.FS, name)
}

// spec is what config.json declares.
func (dir folder) spec(o *openOptions) (*model.Spec, error) {
	data, err := dir.read("config.json")
	if err != nil {
		return nil, fmt.Errorf("%s is not a checkpoint folder: %w", dir.name, err)
	}
	config, err := model.ParseConfig(filepath.Join(dir.name, "config.json"), data)
	if err != nil {
		return nil, err
	}
	config.UseRope(o.scaling(), o.context)
	spec, err := model.Declare(config)
	if err != nil {
		return nil, err
	}
	return spec, spec.Mitigate(o.mitigation)
}

// tokenizer is the folder's tokenizer, or nil where there are no tokenizer files: then only ids go in and out.
func (dir folder) tokenizer() (*tokenizer.Tokenizer, error) {
	for _, name := range []string{"tokenizer.json", "tokenizer.model", "spiece.model", "vocab.json"} {
		if _, err := fs.Stat(dir, name); err == nil {
			t, err := tokenizer.OpenFS(dir, ".")
			if err != nil {
				return nil, fmt.Errorf("%s: %w", dir.name, err)
			}
			return t, nil
		}
	}
	return nil, nil
}

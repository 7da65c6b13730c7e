package lrun

import (
	"encoding/json"
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
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("there is no folder %s", dir)
	case err != nil:
		return nil, err
	case !info.IsDir():
		return nil, fmt.Errorf("%s is a file; name the folder that holds config.json", dir)
	}
	return open(folder{os.DirFS(dir), dir, func() (*weights.Checkpoint, error) { return weights.Open(dir) }}, options)
}

// OpenFS is Open for a checkpoint at the root of a file system, such as an embedded one; name stands for it in errors.
func OpenFS(fsys fs.FS, name string, options ...Option) (*Model, error) {
	return open(folder{fsys, name, func() (*weights.Checkpoint, error) { return weights.OpenFS(fsys, ".") }}, options)
}

// folder is a checkpoint's folder.
type folder struct {
	fs.FS
	name    string
	weights func() (*weights.Checkpoint, error)
}

func open(dir folder, options []Option) (*Model, error) {
	o := openOptions{backend: "auto"}
	for _, choose := range options {
		if err := choose(&o); err != nil {
			return nil, err
		}
	}
	m := &Model{name: dir.name}
	spec, err := m.describe(dir, &o)
	if err != nil {
		return nil, err
	}
	ckpt, err := dir.weights()
	if err != nil {
		return nil, err
	}
	defer ckpt.Close()
	m.weightBytes = ckpt.Bytes()
	if m.backend, err = openBackend(o.backend, o.adapter); err != nil {
		return nil, err
	}
	m.net, err = model.Load(m.backend, spec, ckpt, model.Options{Chunk: o.chunk, KV: o.kv, Progress: o.progress})
	if err != nil {
		return nil, errors.Join(err, m.backend.Close())
	}
	return m, nil
}

// describe reads all that is small in the folder: what the model is, how it wants to be sampled, its tokenizer.
func (m *Model) describe(dir folder, o *openOptions) (*model.Spec, error) {
	data, err := fs.ReadFile(dir, "config.json")
	if err != nil {
		return nil, fmt.Errorf("%s is not a checkpoint folder: %w", dir.name, err)
	}
	config, err := model.ParseConfig(filepath.Join(dir.name, "config.json"), data)
	if err != nil {
		return nil, err
	}
	spec, err := model.Declare(config)
	if err != nil {
		return nil, err
	}
	if m.tokenizer, err = dir.tokenizer(); err != nil {
		return nil, err
	}
	if err := m.generation(dir, data); err != nil {
		return nil, err
	}
	m.context = spec.Context
	if o.context > 0 {
		m.context = o.context
	}
	if spec.Fixed && m.context > spec.Context {
		return nil, fmt.Errorf("a context of %d tokens: the model's learned positions end at %d", m.context, spec.Context)
	}
	return spec, nil
}

// tokenizer is the folder's tokenizer, or nil where there are no tokenizer files: then only ids go in and out.
func (dir folder) tokenizer() (*tokenizer.Tokenizer, error) {
	for _, name := range []string{"tokenizer.json", "tokenizer.model", "spiece.model", "vocab.json"} {
		if _, err := fs.Stat(dir, name); err == nil {
			return tokenizer.OpenFS(dir, ".")
		}
	}
	return nil, nil
}

// generation reads generation_config.json, and finds the tokens that end a text: those it names, else the tokenizer's and
// config.json's. A bare folder of weights names none: its ids are only numbers.
func (m *Model) generation(dir folder, config []byte) error {
	data, err := fs.ReadFile(dir, "generation_config.json")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err == nil {
		if err := json.Unmarshal(data, &m.defaults); err != nil {
			return fmt.Errorf("%s: %w", filepath.Join(dir.name, "generation_config.json"), err)
		}
		m.eos = m.defaults.EOS
	}
	if m.eos != nil || m.tokenizer == nil {
		return nil
	}
	if id, ok := m.tokenizer.EOS(); ok {
		m.eos = append(m.eos, id)
	}
	var c struct {
		EOS idList `json:"eos_token_id"`
	}
	if err := json.Unmarshal(config, &c); err != nil {
		return fmt.Errorf("%s: %w", filepath.Join(dir.name, "config.json"), err)
	}
	m.eos = append(m.eos, c.EOS...)
	return nil
}

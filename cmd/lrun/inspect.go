package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/model"
	"github.com/lrun/lrun/testdata"
	"github.com/lrun/lrun/weights"
)

// summary is what a checkpoint is and what memory it needs, without loading it: a model that does not fit can be
// described too.
type summary struct {
	Name         string `json:"name"`
	Type         string `json:"model_type"`
	Layers       int    `json:"layers"`
	Dim          int    `json:"hidden_size"`
	Heads        int    `json:"heads"`    // of the first layer
	KVHeads      int    `json:"kv_heads"` // of the first layer
	Vocab        int    `json:"vocab_size"`
	Context      int    `json:"context"`         // tokens a session may hold
	Trained      int    `json:"trained_context"` // tokens the model was trained for
	DType        string `json:"dtype"`           // of most bytes
	Parameters   int64  `json:"parameters"`
	WeightBytes  int64  `json:"weight_bytes"`
	KVTokenBytes int64  `json:"kv_token_bytes"` // cache that one token takes
	KVBytes      int64  `json:"kv_bytes"`       // cache of a whole context
	TotalBytes   int64  `json:"total_bytes"`    // weights and cache; working memory comes on top
}

// inspect reads config.json and the headers of the weights.
func (s *settings) inspect() (*summary, error) {
	name, fsys := embedded, testdata.Tiny()
	openWeights := func() (*weights.Checkpoint, error) { return weights.OpenFS(fsys, ".") }
	if s.model != "" {
		if _, err := os.Stat(s.model); err != nil {
			return nil, fmt.Errorf("there is no folder %s", s.model)
		}
		name, fsys = s.model, os.DirFS(s.model)
		openWeights = func() (*weights.Checkpoint, error) { return weights.Open(s.model) }
	}
	data, err := fs.ReadFile(fsys, "config.json")
	if err != nil {
		return nil, fmt.Errorf("%s is not a checkpoint folder: %w", name, err)
	}
	config, err := model.ParseConfig(filepath.Join(name, "config.json"), data)
	if err != nil {
		return nil, err
	}
	spec, err := model.Declare(config)
	if err != nil {
		return nil, err
	}
	ckpt, err := openWeights()
	if err != nil {
		return nil, err
	}
	defer ckpt.Close()
	return s.summarize(name, spec, ckpt), nil
}

func (s *settings) summarize(name string, spec *model.Spec, ckpt *weights.Checkpoint) *summary {
	first := spec.Layers[0].Attention
	r := &summary{
		Name: name, Type: spec.Type, Layers: len(spec.Layers), Dim: spec.Dim, Heads: first.Heads, KVHeads: first.KVHeads,
		Vocab: spec.Vocab, Context: spec.Context, Trained: spec.Context, WeightBytes: ckpt.Bytes(),
	}
	if s.context > 0 {
		r.Context = s.context
	}
	bytes := map[weights.DType]int{}
	most := weights.DType(0)
	for _, name := range ckpt.Names() {
		t, _ := ckpt.Tensor(name)
		r.Parameters += int64(t.Elements())
		bytes[t.DType] += len(t.Data)
		if bytes[t.DType] > bytes[most] {
			most = t.DType
		}
	}
	r.DType = most.String()
	kv := backend.F32
	if s.kv == "f16" {
		kv = backend.F16
	}
	for i := range spec.Layers {
		a := &spec.Layers[i].Attention
		r.KVTokenBytes += int64(2 * a.KVHeads * backend.Pad4(a.HeadDim) * kv.Size())
	}
	r.KVBytes = r.KVTokenBytes * int64(r.Context)
	r.TotalBytes = r.WeightBytes + r.KVBytes
	return r
}

package lrun

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/internal/files"
	"github.com/lrun/lrun/model"
	"github.com/lrun/lrun/weights"
)

// Quantised says what Quantise wrote. Sizes are in bytes.
type Quantised struct {
	Folder   string `json:"folder"`
	Format   string `json:"format"`
	Matrices int    `json:"matrices"` // tensors that are quantised
	Others   int    `json:"others"`   // tensors that are as they were
	Before   int64  `json:"bytes_before"`
	Bytes    int64  `json:"bytes"`
}

// Quantise reads the checkpoint in a folder, and writes it into a new one, out, with its matrices as WithQuant(format) would
// store them on a device: it gives the same logits to the last bit, and loads without work. Files are sharded as they were, those
// beside the weights copied. What it writes appears once it is whole. progress, which may be nil, is called with the bytes
// written and in all.
func Quantise(ctx context.Context, dir, out, format string, progress func(done, total int64)) (Quantised, error) {
	o, err := choose([]Option{WithQuant(format)})
	if err != nil {
		return Quantised{}, err
	}
	if !o.quant.Quantised() {
		return Quantised{}, fmt.Errorf("quantisation %q changes nothing: want q8 or q4", format)
	}
	from, err := onDisk(dir)
	if err != nil {
		return Quantised{}, err
	}
	spec, err := from.spec(o)
	if err != nil {
		return Quantised{}, err
	}
	ckpt, err := from.weights()
	if err != nil {
		return Quantised{}, err
	}
	defer ckpt.Close()
	if has := ckpt.RowType(); has.Quantised() {
		return Quantised{}, fmt.Errorf("%s is in %s already: quantise the original", dir, formatOf(has))
	}
	q := &quantiser{ctx: ctx, from: from, ckpt: ckpt, format: o.quant, progress: progress}
	if q.matrices, err = model.Quantised(spec, ckpt, o.quant); err != nil {
		return Quantised{}, err
	}
	q.plan()
	if err := files.NewFolder(out, q.write); err != nil {
		return Quantised{}, err
	}
	return Quantised{out, format, len(q.matrices), len(ckpt.Names()) - len(q.matrices), ckpt.Bytes(), q.total}, nil
}

// formatOf is the name of a type as WithQuant takes it.
func formatOf(d backend.DType) string { return strings.ToLower(d.String()) }

// quantiser writes a checkpoint anew.
type quantiser struct {
	ctx      context.Context
	from     folder
	ckpt     *weights.Checkpoint
	format   backend.DType
	matrices map[string]*model.Stored

	shards map[string][]weights.Tensor // by file
	pieces map[string]iter.Seq[[]byte] // the data of tensors that are made as they are written

	progress    func(done, total int64)
	done, total int64
}

// plan lists what goes into which file.
func (q *quantiser) plan() {
	q.shards, q.pieces = map[string][]weights.Tensor{}, map[string]iter.Seq[[]byte]{}
	for _, name := range q.ckpt.Names() {
		t, _ := q.ckpt.Tensor(name)
		made := []weights.Tensor{*t}
		if m := q.matrices[name]; m != nil {
			rows, shape := weights.RowTensors(name, q.format, m.Out, m.In)
			made = []weights.Tensor{rows, shape}
			q.pieces[rows.Name] = m.Blocks()
		} else if t.Packed() {
			made[0] = weights.Tensor{Name: name, DType: t.DType, Shape: t.Shape}
			q.pieces[name] = model.Decoded(t)
		}
		file := filepath.Base(t.File)
		q.shards[file] = append(q.shards[file], made...)
		for _, m := range made {
			q.total += int64(m.Elements() * m.DType.Size())
		}
	}
}

// write fills the new folder.
func (q *quantiser) write(dir string) error {
	index := map[string]string{}
	for _, file := range slices.Sorted(maps.Keys(q.shards)) {
		if err := weights.WriteFrom(filepath.Join(dir, file), q.shards[file], q.ckpt.Metadata(), q.fill); err != nil {
			return err
		}
		for _, t := range q.shards[file] {
			index[t.Name] = file
		}
	}
	if len(q.shards) > 1 || q.shards[weights.SingleName] == nil {
		if err := replaceJSON(filepath.Join(dir, weights.IndexName), map[string]any{
			"metadata": map[string]any{"total_size": q.total}, "weight_map": index,
		}); err != nil {
			return err
		}
	}
	if err := q.writeConfig(dir); err != nil {
		return err
	}
	return q.copyOthers(dir)
}

// fill writes a tensor's data.
func (q *quantiser) fill(t *weights.Tensor, w io.Writer) error {
	pieces := q.pieces[t.Name]
	if pieces == nil {
		pieces = func(yield func([]byte) bool) {
			for _, piece := range t.Chunks(4 << 20) {
				if !yield(piece) {
					return
				}
				t.Forget()
			}
		}
	}
	for piece := range pieces {
		if err := q.ctx.Err(); err != nil {
			return err
		}
		if _, err := w.Write(piece); err != nil {
			return err
		}
		q.done += int64(len(piece))
		if q.progress != nil {
			q.progress(q.done, q.total)
		}
	}
	return nil
}

// writeConfig writes config.json with how the weights are quantised now.
func (q *quantiser) writeConfig(dir string) error {
	data, err := q.from.read(weights.ConfigName)
	if err != nil {
		return err
	}
	var config map[string]any
	decoder := json.NewDecoder(bytes.NewReader(files.Finite(data)))
	decoder.UseNumber()
	if err := decoder.Decode(&config); err != nil {
		return err
	}
	delete(config, "compression_config")
	config["quantization_config"] = map[string]any{"quant_method": weights.RowsMethod, "format": formatOf(q.format)}
	return replaceJSON(filepath.Join(dir, weights.ConfigName), config)
}

func replaceJSON(path string, value any) error {
	return files.Replace(path, func(w io.Writer) error {
		encoder := json.NewEncoder(w)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		return encoder.Encode(value)
	})
}

// notCopied are patterns of files that hold weights, or say how they were stored.
var notCopied = []string{weights.ConfigName, "*.index.json", "quant*_config.json", ".*",
	"*.safetensors", "*.bin", "*.pt", "*.pth", "*.ckpt", "*.gguf", "*.h5", "*.msgpack", "*.onnx", "*.onnx_data"}

// copyOthers copies the files beside the weights: the tokenizer's, generation_config.json, what is said of the model.
func (q *quantiser) copyOthers(dir string) error {
	entries, err := fs.ReadDir(q.from, ".")
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := e.Name()
		info, err := fs.Stat(q.from, name) // of what it links to
		if err != nil || !info.Mode().IsRegular() || slices.ContainsFunc(notCopied, func(pattern string) bool {
			match, _ := filepath.Match(pattern, name)
			return match
		}) {
			continue
		}
		data, err := fs.ReadFile(q.from, name)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), data, 0o666)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

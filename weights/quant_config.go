package weights

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/lrun/lrun/internal/files"
)

// quantConfig is the quantization_config of a config.json, as far as tensors do not say the same. Scales of activations and
// of the KV cache are not among it: weights are decoded, and both stay as the model has them.
type quantConfig struct {
	file   string
	Method string `json:"quant_method"`

	// GPTQ and AWQ.
	GroupSize        int    `json:"group_size"` // −1: a whole row
	Symmetric        bool   `json:"sym"`
	CheckpointFormat string `json:"checkpoint_format"`
	Version          string `json:"version"`
	Marlin           bool   `json:"is_marlin_format"`

	// FP8.
	Block            []int  `json:"weight_block_size"`
	ActivationScheme string `json:"activation_scheme"`

	// compressed-tensors, and lrun's own.
	Format   string `json:"format"`
	Sparsity struct {
		Format string `json:"format"`
	} `json:"sparsity_config"`
	Transforms struct {
		Groups map[string]json.RawMessage `json:"config_groups"`
	} `json:"transform_config"`
	Groups map[string]struct {
		Format  string `json:"format"`
		Weights struct {
			Block json.RawMessage `json:"block_structure"` // [128, 128], or in old ones "128x128"
		} `json:"weights"`
		Activations json.RawMessage `json:"input_activations"`
	} `json:"config_groups"`
}

// parseQuantConfig reads the quantization_config, of which there is none (nil) in most files, and where data is.
func parseQuantConfig(file string, data []byte) (*quantConfig, error) {
	if len(data) == 0 {
		return nil, nil
	}
	var config struct {
		Now    json.RawMessage `json:"quantization_config"`
		Before json.RawMessage `json:"compression_config"` // of the first compressed-tensors
	}
	if err := json.Unmarshal(files.Finite(data), &config); err != nil {
		return nil, fmt.Errorf("%s is not a JSON object: %w", file, err)
	}
	raw := config.Now
	if raw == nil {
		raw = config.Before
	}
	if raw == nil || bytes.Equal(raw, []byte("null")) {
		return nil, nil
	}
	q := &quantConfig{file: file}
	if err := json.Unmarshal(raw, q); err != nil {
		return nil, fmt.Errorf("%s: quantization_config: %w: %w", file, ErrQuantised, err)
	}
	return q, q.check()
}

// check refuses methods and layouts that no reader knows.
func (q *quantConfig) check() error {
	if methods[q.Method] == nil {
		return q.wrong("quant_method", q.Method, "lrun reads "+strings.Join(slices.Sorted(maps.Keys(methods)), ", ")+
			": take such a checkpoint, or save this one without quantisation (in transformers: model.dequantize(), save_pretrained)")
	}
	if q.Method == "gptq" {
		return q.checkGPTQ()
	}
	if q.Method == "awq" {
		return q.checkAWQ()
	}
	if q.Method == "compressed-tensors" {
		return q.checkCompressed()
	}
	if q.Method == RowsMethod {
		return q.checkRows()
	}
	return nil
}

// wrong is the error of a key.
func (q *quantConfig) wrong(key, value, remedy string) error {
	return fmt.Errorf("%s: quantization_config.%s: %w: %s is not known: %s", q.file, key, ErrQuantised, quote(value), remedy)
}

// summary is what Quantised says of a checkpoint with so many weights of each code.
func (q *quantConfig) summary(codes map[string]int) string {
	if len(codes) == 0 {
		return ""
	}
	kinds := slices.SortedFunc(maps.Keys(codes), func(a, b string) int {
		return cmp.Or(codes[b]-codes[a], strings.Compare(a, b))
	})
	text := q.Method + ": " + strings.Join(kinds, " and ")
	active := q.ActivationScheme != ""
	for _, g := range q.Groups {
		active = active || g.Activations != nil && string(g.Activations) != "null"
	}
	if active {
		text += "; activations stay floating-point"
	}
	return text
}

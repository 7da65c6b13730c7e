package model

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lrun/lrun/internal/testkit"
	"github.com/lrun/lrun/weights"
)

// published writes a fixture as the package mamba_ssm would: another config, and another name of the embeddings.
func published(t *testing.T, dir, config string) string {
	t.Helper()
	ckpt, err := weights.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer ckpt.Close()
	var tensors []weights.Tensor
	for _, name := range ckpt.Names() {
		tensor, _ := ckpt.Tensor(name)
		name = strings.Replace(name, "backbone.embeddings.", "backbone.embedding.", 1)
		tensors = append(tensors, weights.FromFloat32(name, tensor.Shape, tensor.Float32s()))
	}
	to := t.TempDir()
	if err := weights.Write(filepath.Join(to, "model.safetensors"), tensors, nil); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(to, "config.json"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	return to
}

// Ensure that a checkpoint as mamba_ssm writes it is the same model.
func TestMambaSSM(t *testing.T) {
	from := testkit.Testdata("golden", "mamba_rank_bias")
	dir := published(t, from, `{"d_model": 48, "n_layer": 2, "vocab_size": 199, "pad_vocab_size_multiple": 3, "rms_norm": true,
		"tie_embeddings": false, "attn_layer_idx": [], "d_intermediate": 0,
		"ssm_cfg": {"layer": "Mamba1", "d_state": 5, "d_conv": 3, "dt_rank": 3, "bias": true}}`)
	b := testkit.Backends(t)[0]
	g := readGolden(t, from)
	got := allLogits(t, load(t, b, dir, declared(t, dir), Options{}), b, g.ids, 64)
	if e := largestError(got, g.logits); !(e <= tolerance) {
		t.Errorf("logits differ by %.3g", e)
	}
}

// Ensure that Mamba-2's sizes are read as mamba_ssm means them.
func TestMambaSSM2(t *testing.T) {
	config, err := ParseConfig("config.json", []byte(`{"d_model": 768, "n_layer": 3, "vocab_size": 50277, "pad_vocab_size_multiple": 16,
		"ssm_cfg": {"layer": "Mamba2", "ngroups": 2}}`))
	if err != nil {
		t.Fatal(err)
	}
	s, err := Declare(config)
	if err != nil {
		t.Fatal(err)
	}
	a := s.Layers[2].Mixer.(*Mamba2)
	if s.Vocab != 50288 || !s.Head.Tied || a.Heads != 24 || a.HeadDim != 64 || a.Groups != 2 || a.State != 128 || a.NormParts != 2 {
		t.Errorf("vocabulary %d, tied %t, %+v", s.Vocab, s.Head.Tied, a)
	}
}

// Ensure that what such a config asks for and the architectures lack is said.
func TestMambaSSMErrors(t *testing.T) {
	for _, key := range []string{`"attn_layer_idx": [3]`, `"d_intermediate": 64`, `"rms_norm": false`, `"vocab_size": "x"`} {
		config, err := ParseConfig("config.json", []byte(`{"d_model": 48, "n_layer": 2, "vocab_size": 250, "ssm_cfg": {}, `+key+`}`))
		if err != nil {
			t.Fatal(err)
		}
		name := strings.Trim(strings.Split(key, ":")[0], `"`)
		if _, err := Declare(config); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", key, err)
		}
	}
}

package lrun

import (
	"fmt"
	"io/fs"

	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/memory"
	"github.com/lrun/lrun/model"
	"github.com/lrun/lrun/weights"
)

// Info is what a model is and what it takes. Sizes are in bytes.
type Info struct {
	Name         string `json:"name"`
	Type         string `json:"model_type"`
	Layers       int    `json:"layers"`
	Dim          int    `json:"hidden_size"`
	Heads        int    `json:"heads"`    // of the first layer that attends; 0: none does
	KVHeads      int    `json:"kv_heads"` // of that layer
	Vocab        int    `json:"vocab_size"`
	Context      int    `json:"context"`             // tokens a session may hold; 0: no end
	Trained      int    `json:"trained_context"`     // tokens the model was trained for
	Learned      bool   `json:"learned_positions"`   // there are none past the trained context
	DType        string `json:"dtype"`               // of most of the weights, once decoded where they are quantised in another way than on the device
	Quantised    string `json:"quantised,omitempty"` // how they are stored, where they are quantised
	Quant        string `json:"quant,omitempty"`     // what matrices are stored in instead, as WithQuant takes it
	Parameters   int64  `json:"parameters"`
	WeightBytes  int64  `json:"weight_bytes"`   // as stored in the files
	KVTokenBytes int64  `json:"kv_token_bytes"` // cache that a token takes
	StateBytes   int64  `json:"state_bytes"`    // states of layers without attention that a session keeps at most
	KVBytes      int64  `json:"kv_bytes"`       // cache of a whole context, or without an end of as much as it was trained for
	TotalBytes   int64  `json:"total_bytes"`    // weights, cache and states; working memory comes on top

	Memory string     `json:"memory"` // which tokens a query sees, where there is attention
	Costs  []Cost     `json:"costs"`  // of texts of some lengths
	Ropes  []RopeInfo `json:"ropes"`  // none where positions are told apart otherwise

	Mitigation string `json:"mitigation,omitempty"` // of the collapse of states, as WithMitigation takes it

	Backend     string `json:"backend,omitempty"` // "webgpu" or "cpu"; this and what follows of an open model only
	Adapter     string `json:"adapter,omitempty"`
	DeviceBytes int64  `json:"device_bytes,omitempty"` // held on the device now
}

// Cost is what reading a text takes, in bytes, beside weights and working memory.
type Cost struct {
	Tokens      int   `json:"tokens"`
	DeviceBytes int64 `json:"device_bytes"`
	HostBytes   int64 `json:"host_bytes"`
	FileBytes   int64 `json:"file_bytes"`
}

// costs are those of texts of some lengths, as far as the context allows them.
func costs(s *model.Spec, kv backend.DType, p memory.Policy, context int) []Cost {
	var all []Cost
	for _, n := range []int{s.Context, 32 << 10, 128 << 10, 1 << 20} {
		if n > context || len(all) > 0 && n <= all[len(all)-1].Tokens {
			continue
		}
		token := int64(s.KVTokenBytes(kv))
		c := Cost{Tokens: n, DeviceBytes: token*int64(p.Held(n)) + stateBytes(s)}
		if l, ok := p.(memory.InfLLM); ok {
			c.DeviceBytes += int64(s.BlockBytes()) * int64(l.Blocks(n))
			if l.MaxCachedBlock > 0 {
				c.HostBytes = token * int64(l.Blocks(n)*l.BlockSize)
			}
			if l.HostLimit > 0 && c.HostBytes > l.HostLimit {
				c.HostBytes, c.FileBytes = l.HostLimit, c.HostBytes-l.HostLimit
			}
		}
		all = append(all, c)
	}
	return all
}

// stateBytes are those of the states that a session keeps at most.
func stateBytes(s *model.Spec) int64 { return int64(s.StateBytes()) * memory.MostStates }

// Describe says what the checkpoint in a folder is and what it would take to run it, without loading it: a model that does
// not fit can be described too. Of the options, those on context and cache matter.
func Describe(dir string, options ...Option) (Info, error) {
	at, err := onDisk(dir)
	if err != nil {
		return Info{}, err
	}
	return describe(at, options)
}

// DescribeFS is Describe for a checkpoint at the root of a file system; name stands for it in errors.
func DescribeFS(fsys fs.FS, name string, options ...Option) (Info, error) {
	return describe(inFS(fsys, name), options)
}

func describe(dir folder, options []Option) (Info, error) {
	o, err := choose(options)
	if err != nil {
		return Info{}, err
	}
	spec, err := dir.spec(o)
	if err != nil {
		return Info{}, err
	}
	policy, err := o.policy(spec)
	if err != nil {
		return Info{}, err
	}
	context, err := o.contextOf(spec, policy)
	if err != nil {
		return Info{}, err
	}
	ckpt, err := dir.weights()
	if err != nil {
		return Info{}, err
	}
	info, err := newInfo(dir, spec, ckpt, o, policy, context)
	if closing := ckpt.Close(); err == nil {
		err = closing
	}
	return info, err
}

// newInfo puts together what is known before a model is loaded, of a session that may hold context tokens.
func newInfo(dir folder, s *model.Spec, ckpt *weights.Checkpoint, o *openOptions, p memory.Policy, context int) (Info, error) {
	if err := s.Learn(ckpt); err != nil {
		return Info{}, err
	}
	quant, err := model.Quant(ckpt, o.quant)
	if err != nil {
		return Info{}, fmt.Errorf("%s: %w", dir.name, err)
	}
	info := Info{
		Name: dir.name, Type: s.Type, Layers: len(s.Layers), Dim: s.Dim, Vocab: s.Vocab, Context: context, Trained: s.Context, Learned: s.Fixed,
		WeightBytes: ckpt.Bytes(), Quantised: ckpt.Quantised(), KVTokenBytes: int64(s.KVTokenBytes(o.kv)), StateBytes: stateBytes(s),
		Mitigation: o.mitigation.String(), Memory: p.String(), Costs: costs(s, o.kv, p, context), Ropes: ropes(s, p.Span(context)),
	}
	if quant.Quantised() {
		info.Quant = formatOf(quant)
	}
	if context == endless {
		info.Context = 0
	}
	if !s.Attends() {
		info.Memory = "none: layers carry states of one size from token to token"
	}
	for i := len(s.Layers) - 1; i >= 0; i-- {
		if a := &s.Layers[i].Attention; a.Heads > 0 {
			info.Heads, info.KVHeads = a.Heads, a.KVHeads
		}
	}
	held := p.Held(context)
	if held >= endless {
		held = p.Held(s.Context)
	}
	info.KVBytes = info.KVTokenBytes * int64(held)
	info.TotalBytes = info.WeightBytes + info.KVBytes + info.StateBytes
	matrices := map[string]*model.Stored{} // that the device has otherwise
	if quant.Quantised() && ckpt.RowType() != quant {
		if matrices, err = model.Quantised(s, ckpt, quant); err != nil {
			return Info{}, err
		}
	}
	bytes := map[string]int{}
	for _, name := range ckpt.Names() {
		t, _ := ckpt.Tensor(name)
		info.Parameters += int64(t.Elements())
		dtype := t.DType.String()
		switch m := matrices[name]; {
		case m != nil:
			info.TotalBytes += m.Bytes() - int64(t.Bytes())
		case t.Rows(quant, 0, 0) != nil:
			dtype = quant.String()
		case t.Packed():
			info.TotalBytes += int64(t.Elements()*t.DType.Size() - t.Bytes())
		}
		if bytes[dtype] += t.Bytes(); bytes[dtype] > bytes[info.DType] {
			info.DType = dtype
		}
	}
	return info, nil
}

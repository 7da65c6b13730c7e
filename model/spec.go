package model

import (
	"cmp"
	"slices"

	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/positional"
)

// Spec declares a decoder-only transformer. Shapes are [rows][cols]; names are the checkpoint's, without ".weight".
type Spec struct {
	Type    string // model_type
	Vocab   int
	Dim     int    // width of the residual stream
	Context int    // positions the model was trained for
	Fixed   bool   // positions are learned: none exist beyond Context
	StepEnd int    // no step goes past a multiple of so many tokens; 0: any may
	Base    string // prefix of the transformer's tensors, which checkpoints of the bare model lack

	Embedding Embedding
	Layers    []Layer
	Norm      Norm // after the last layer
	Head      Head
}

// Embedding turns ids into the residual stream.
type Embedding struct {
	Tokens    string // table [Vocab][Width]
	Width     int    // 0 when declared: Dim
	Scale     float32
	Positions string // learned positions [Context + PosOffset][Dim], or ""
	PosOffset int
	Project   string // [Dim][Width] after the table (OPT 350M), or ""
	Norm      Norm   // on the embeddings (BLOOM)
}

// Head turns the residual stream into logits: SoftCap(Scale·(W·x + bias)).
type Head struct {
	Name    string // [Vocab][Width]
	Tied    bool   // the weight is the embedding's table; a bias is still under Name
	Bias    bool
	Project string // [Width][Dim] before the head (OPT 350M), or ""
	Scale   float32
	SoftCap float32
}

// Layer is a block: attention or another mixer, then an MLP, each added to the residual stream.
type Layer struct {
	Attention Attention // without heads: none
	Mixer     Mixer     // nil: attention
	MLP       MLP       // without weights: none
	Side      *Side     // attention and MLP stand beside the stream, and the mixer in it

	AttentionNorm     Norm // before attention
	MLPNorm           Norm // before the MLP; in a parallel block without one, attention's norm serves both
	AttentionPostNorm Norm // on what attention made (Gemma 2, OLMo 2)
	MLPPostNorm       Norm

	Parallel       bool    // x + attention(norm x) + mlp(norm x)
	Residual       float32 // multiplies what a sub-layer made; 0 means 1
	MLPResidual    float32 // of the MLP, where that has another; 0 means Residual
	AddToNormed    bool    // the norm's output, not its input, goes on as the residual stream (BLOOM's option)
	NormAfterwards bool    // x ← norm(x + sublayer(x)) (OPT 350M)
}

// scale is what multiplies the result of attention.
func (l *Layer) scale() float32 { return cmp.Or(l.Residual, 1) }

// mlpScale is what multiplies the result of the MLP.
func (l *Layer) mlpScale() float32 { return cmp.Or(l.MLPResidual, l.scale()) }

// NormKind is a family of norms.
type NormKind uint8

// The kinds of norm; the zero kind is none at all.
const (
	NoNorm NormKind = iota
	RMSNorm
	LayerNorm
)

// Norm declares a norm.
type Norm struct {
	Kind    NormKind
	Name    string
	Eps     float64
	Bias    bool
	Plain   bool // no parameters (OLMo)
	PlusOne bool // the stored weight is one less than the factor (Gemma)
}

// HeadNorm declares a norm of query or key heads, before rotation.
type HeadNorm struct {
	Norm
	Names   []string // one tensor a head (StableLM), in place of Name
	PerHead bool     // the weight is [heads][headDim], not [headDim] (Cohere)
	Whole   bool     // one norm over all heads together, weight [heads·headDim] (OLMo 2)
}

// Weight declares a linear layer's matrix as rows of one or more tensors.
type Weight struct {
	Parts      []Part // stacked in this order
	Cols       int
	Bias       bool              // Name + ".bias" is there too, rows ordered alike
	Transposed bool              // tensors are stored [cols][rows] (GPT-2's Conv1D)
	Blocks     int               // above 0: tensors are so many square blocks, each transposed (see backend.Linear)
	Joint      string            // between a part's name and "weight" or "bias"; "": a dot
	Order      func(row int) int // the stacked row that is the matrix's row; nil: the same
	Take       int               // rows of the matrix, where Order does not take each of the stacked ones once
}

// Part is a tensor of Rows rows.
type Part struct {
	Name string
	Rows int
}

// tensor is the full name of a part's weight or bias.
func (w Weight) tensor(p Part, kind string) string {
	if w.Joint == "" {
		return p.Name + "." + kind
	}
	return p.Name + w.Joint + kind
}

// Rows is the matrix's number of rows.
func (w Weight) Rows() int {
	if w.Take > 0 {
		return w.Take
	}
	n := 0
	for _, p := range w.Parts {
		n += p.Rows
	}
	return n
}

// Attention declares grouped-query attention.
type Attention struct {
	Heads, KVHeads, HeadDim int
	QKV                     Weight // rows: queries, keys, values
	Adapter                 *Adapter
	Out                     Weight
	Rope                    *positional.Rope // nil: none
	Scale                   float64          // of the scores; 0: 1/√HeadDim
	Window                  int              // above 0: a token sees itself and Window−1 before it
	SoftCap                 float64
	Clip                    float64 // q, k and v are clamped to ±Clip
	QNorm, KNorm            *HeadNorm
	Slopes                  []float32 // ALiBi, one a head
	SlopesBF16              bool      // ALiBi as Falcon rounds it
}

// MLP declares a feed-forward network: gated (GateUp, Down), plain (Up, Down), and experts beside or instead.
type MLP struct {
	Act     backend.Activation
	GateUp  Weight // rows: gate 0, up 0, gate 1, up 1, …; with an Adapter all gates, then all ups
	Adapter *Adapter
	Up      Weight
	Down    Weight
	Experts *Experts // with GateUp set as well, that one is the shared expert
}

// Experts declares a mixture: each token uses TopK of Count gated MLPs.
type Experts struct {
	Count, TopK int
	Normalise   bool
	Router      Weight // [Count][Dim]; with a shared expert one more row, its gate
	GateUp      Weight // [Count·2·hidden][Dim]
	Down        Weight // [Count·Dim][hidden]
}

// SeesAll reports whether a layer from number from on has no window of its own.
func (s *Spec) SeesAll(from int) bool {
	for i := from; i < len(s.Layers); i++ {
		if a := &s.Layers[i].Attention; a.Heads > 0 && a.Window == 0 {
			return true
		}
	}
	return false
}

// Attends reports whether a layer has attention: models without look back only by their states.
func (s *Spec) Attends() bool {
	return slices.ContainsFunc(s.Layers, func(l Layer) bool { return l.Attention.Heads > 0 })
}

// StateBytes is the device memory that the states of the layers without attention take, of which a sequence keeps several
// (see memory.MostStates).
func (s *Spec) StateBytes() int {
	n := 0
	for i := range s.Layers {
		for _, z := range s.Layers[i].states() {
			n += 4 * z[0] * backend.Stride(z[1])
		}
	}
	return n
}

// states are rows and columns of what the layer carries from step to step.
func (l *Layer) states() [][2]int {
	if l.Mixer == nil {
		return nil
	}
	return l.Mixer.States()
}

// KVTokenBytes is the cache memory that a token takes over all layers, with elements of dtype.
func (s *Spec) KVTokenBytes(dtype backend.DType) int {
	n := 0
	for i := range s.Layers {
		a := &s.Layers[i].Attention
		n += 2 * a.KVHeads * dtype.HeadBytes(a.HeadDim)
	}
	return n
}

// BlockBytes is the device memory that the representative keys of a block take over all layers (see memory.InfLLM).
func (s *Spec) BlockBytes() int {
	n := 0
	for i := range s.Layers {
		if a := &s.Layers[i].Attention; a.Window == 0 {
			n += a.Heads * backend.F16.HeadBytes(a.HeadDim)
		}
	}
	return n
}

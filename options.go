package lrun

import (
	"fmt"
	"math"

	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/memory"
	"github.com/lrun/lrun/model"
	"github.com/lrun/lrun/trace"
	"github.com/lrun/lrun/weights"
)

// Option is a choice in opening a model.
type Option func(*openOptions) error

type openOptions struct {
	backend  string
	adapter  string
	context  int
	anyLong  bool
	room     int
	chunk    int
	kv       backend.DType
	quant    backend.DType // F32: matrices stay as they are
	rope     string
	random   weights.DType                            // of made-up weights; none: the checkpoint's
	memory   func(trained int) (memory.Policy, error) // nil: not said
	progress func(done, total int64)

	mitigation model.Mitigation
}

// choose applies options to the defaults.
func choose(options []Option) (*openOptions, error) {
	o := &openOptions{backend: "auto"}
	for _, option := range options {
		if err := option(o); err != nil {
			return nil, err
		}
	}
	return o, nil
}

// WithBackend chooses where the model runs: "webgpu", "cpu", or "auto" (the default): a real GPU where there is one, else
// the CPU.
func WithBackend(name string) Option {
	return func(o *openOptions) error {
		switch name {
		case "auto", "cpu", "webgpu":
			o.backend = name
			return nil
		}
		return fmt.Errorf("backend %q is not one of auto, webgpu, cpu", name)
	}
}

// WithAdapter chooses a GPU by its number in Adapters or by a part of its name; with it "auto" means WebGPU.
func WithAdapter(adapter string) Option {
	return func(o *openOptions) error {
		o.adapter = adapter
		return nil
	}
}

// WithContext sets how many tokens a session may hold, in place of what the model was trained for. Quality past the
// trained length is the model's own affair, or that of WithRope; learned positions end there. A rope that has one set of
// frequencies for long texts and one for short (LongRoPE) takes those for the whole context, from the first token on.
func WithContext(tokens int) Option {
	return func(o *openOptions) error {
		if tokens < 1 {
			return fmt.Errorf("a context of %d tokens, want at least 1", tokens)
		}
		o.context = tokens
		return nil
	}
}

// WithAnyLength lets sessions hold any number of tokens, where positions are not learned, without a word on how many there
// will be.
func WithAnyLength() Option {
	return func(o *openOptions) error {
		o.anyLong = true
		return nil
	}
}

// WithRoom takes the device memory of a session of so many tokens when the model is opened, in place of as it grows.
func WithRoom(tokens int) Option {
	return func(o *openOptions) error {
		if tokens < 0 {
			return fmt.Errorf("room for %d tokens, want at least 0", tokens)
		}
		o.room = tokens
		return nil
	}
}

// WithChunk sets how many tokens of a prompt are read at once, by default as many as suit the device, 256 to 2,048: more is faster
// on large GPUs and takes more memory. It changes results only by rounding.
func WithChunk(tokens int) Option {
	return func(o *openOptions) error {
		if tokens < 1 || tokens > 1<<16 {
			return fmt.Errorf("chunks of %d tokens, want 1 to 65536", tokens)
		}
		o.chunk = tokens
		return nil
	}
}

// WithRandomWeights makes the weights up, in "f32", "f16" or "bf16": the folder needs a config.json only. What comes out has
// no meaning, and takes as long as with real weights.
func WithRandomWeights(dtype string) Option {
	return func(o *openOptions) error {
		switch dtype {
		case "f32":
			o.random = weights.F32
		case "f16":
			o.random = weights.F16
		case "bf16":
			o.random = weights.BF16
		default:
			return fmt.Errorf("random weights of %q, want f32, f16 or bf16", dtype)
		}
		return nil
	}
}

// weights are the folder's, or made up.
func (o *openOptions) weights(dir folder) (*weights.Checkpoint, error) {
	if o.random != 0 {
		return weights.Random(o.random)
	}
	return dir.weights()
}

// WithKV sets how cached keys and values are stored: "f32" (the default), as exact as the reference, "f16", half the
// memory, or "q8", int8 with a scale for each 32 channels of a head, some 28 % of f32's.
func WithKV(dtype string) Option {
	return func(o *openOptions) error {
		switch dtype {
		case "f32":
			o.kv = backend.F32
		case "f16":
			o.kv = backend.F16
		case "q8":
			o.kv = backend.Q8
		default:
			return fmt.Errorf("KV cache type %q is not one of f32, f16, q8", dtype)
		}
		return nil
	}
}

// WithQuant stores the model's matrices in fewer bits, in groups of 32 columns: "q8", int8 with a scale a group (8.5 bits a
// weight), or "q4", four bits with a scale and a zero a group (5 bits). Norms, biases, learned positions and the routers of
// experts stay as they are; "none" (the default) leaves all, also those that Quantise has written in one of the formats.
func WithQuant(format string) Option {
	return func(o *openOptions) error {
		switch format {
		case "none":
			o.quant = backend.F32
		case "q8":
			o.quant = backend.Q8
		case "q4":
			o.quant = backend.Q4
		default:
			return fmt.Errorf("quantisation %q is not one of q8, q4, none", format)
		}
		return nil
	}
}

// WithMemory chooses which past tokens a query sees, and where they are kept: memory.Full (the default), memory.Sinks,
// memory.InfLLM and the others of the package memory. memory.InfLLMFor has the paper's constants.
func WithMemory(p memory.Policy) Option {
	return func(o *openOptions) error {
		o.memory = func(int) (memory.Policy, error) { return p, nil }
		return p.Check()
	}
}

// WithMemoryNamed is WithMemory by name, with options such as "n_local=4096,topk=16": see memory.Parse.
func WithMemoryNamed(name, options string) Option {
	return func(o *openOptions) error {
		o.memory = func(trained int) (memory.Policy, error) { return memory.Parse(name, options, trained) }
		return nil
	}
}

// WithMitigation keeps the states of Mamba-2 layers from collapsing in texts longer than those of training, by a method of
// Stuffed Mamba (arXiv 2410.07145): "rri", reduced retention and insertion, or "rri:0.9999,0.75" with factors other than the
// paper's of what a state remembers and of what a token adds; "statenorm", no head's state above the norm that it had after
// 1024 tokens of the text, or after another multiple of 128: "statenorm:2048"; "window:8192", a sliding window by subtraction:
// every 8192 tokens a state forgets all but the last 8192. A model without such layers does not open.
func WithMitigation(text string) Option {
	return func(o *openOptions) (err error) {
		o.mitigation, err = model.ParseMitigation(text)
		return err
	}
}

// WithProgress calls f while weights are uploaded, with the bytes done and in all.
func WithProgress(f func(done, total int64)) Option {
	return func(o *openOptions) error {
		o.progress = f
		return nil
	}
}

// GenerateOption is a choice in generating text; those not made are the checkpoint's generation_config.json's.
type GenerateOption func(*generateOptions) error

type generateOptions struct {
	sampling   backend.Sample // without its tensors
	maxTokens  int            // 0: not said
	stop       []string
	stopTokens []int32
	ignoreEOS  bool
	progress   func(done, total int)
	result     *Result
	trace      *trace.Trace

	speculation speculation
}

// inRange makes an option that stores v when it lies from low to high.
func inRange(name string, v, low, high float64, store func(*generateOptions)) GenerateOption {
	return func(o *generateOptions) error {
		if !(v >= low && v <= high) {
			return fmt.Errorf("%s is %v, want %v to %v", name, v, low, high)
		}
		store(o)
		return nil
	}
}

// atLeast makes an option that stores a whole number from low on.
func atLeast(name string, n, low int, store func(*generateOptions)) GenerateOption {
	return func(o *generateOptions) error {
		if n < low {
			return fmt.Errorf("%s is %d, want at least %d", name, n, low)
		}
		store(o)
		return nil
	}
}

// coldest is the temperature below which logits divided by it leave f32; there the likeliest token is certain anyway.
const coldest = 1e-5

// WithTemperature divides the logits by t before drawing, 0 to 100; 0 always takes the likeliest token.
func WithTemperature(t float64) GenerateOption {
	return inRange("temperature", t, 0, 100, func(o *generateOptions) {
		if t < coldest {
			t = 0
		}
		o.sampling.Temperature = float32(t)
	})
}

// WithTopK draws among the k likeliest tokens; 0 means all.
func WithTopK(k int) GenerateOption {
	return atLeast("top-k", k, 0, func(o *generateOptions) { o.sampling.TopK = min(k, math.MaxInt32) })
}

// WithTopP draws among the likeliest tokens whose probabilities add up to p (arXiv 1904.09751), one at least; 1 means all.
func WithTopP(p float64) GenerateOption {
	return inRange("top-p", p, 0, 1, func(o *generateOptions) {
		o.sampling.TopP = max(float32(p), 0x1p-126) // to the device 0 means all, and to some GPUs smaller numbers are 0
	})
}

// WithMinP draws among tokens at least p times as likely as the likeliest (arXiv 2407.01082); 0 means all.
func WithMinP(p float64) GenerateOption {
	return inRange("min-p", p, 0, 1, func(o *generateOptions) { o.sampling.MinP = float32(p) })
}

// WithRepetitionPenalty divides positive logits of tokens in the text so far by p and multiplies negative ones (arXiv
// 1909.05858); 1 means none.
func WithRepetitionPenalty(p float64) GenerateOption {
	return inRange("repetition penalty", p, 0.01, 100, func(o *generateOptions) { o.sampling.Repetition = float32(p) })
}

// WithPresencePenalty lowers the logits of generated tokens by p; 0 means none.
func WithPresencePenalty(p float64) GenerateOption {
	return inRange("presence penalty", p, -100, 100, func(o *generateOptions) { o.sampling.Presence = float32(p) })
}

// WithFrequencyPenalty lowers the logits of generated tokens by p for every time they were; 0 means none.
func WithFrequencyPenalty(p float64) GenerateOption {
	return inRange("frequency penalty", p, -100, 100, func(o *generateOptions) { o.sampling.Frequency = float32(p) })
}

// WithSeed fixes the random draws: the same seed gives the same text on the same device. Without it every run differs.
func WithSeed(seed uint32) GenerateOption {
	return func(o *generateOptions) error {
		o.sampling.Seed = seed
		return nil
	}
}

// WithMaxTokens ends after n tokens, at least 1. It may lead past the length that the model was trained for, but not past
// learned positions nor WithContext; without it generation ends at the context's end at the latest.
func WithMaxTokens(n int) GenerateOption {
	return atLeast("max tokens", n, 1, func(o *generateOptions) { o.maxTokens = n })
}

// WithStop ends before any of the given texts, which are not part of the result.
func WithStop(texts ...string) GenerateOption {
	return func(o *generateOptions) error {
		for _, s := range texts {
			if s == "" {
				return fmt.Errorf("an empty stop text")
			}
		}
		o.stop = append(o.stop, texts...)
		return nil
	}
}

// WithStopTokens ends after any of the given tokens, besides the checkpoint's end-of-text tokens.
func WithStopTokens(ids ...int32) GenerateOption {
	return func(o *generateOptions) error {
		o.stopTokens = append(o.stopTokens, ids...)
		return nil
	}
}

// WithIgnoreEOS goes on after the checkpoint's end-of-text tokens.
func WithIgnoreEOS() GenerateOption {
	return func(o *generateOptions) error {
		o.ignoreEOS = true
		return nil
	}
}

// WithTrace fills t with what each layer looked up for each token of the answer, where the memory looks blocks up. Generating
// is slower with it.
func WithTrace(t *trace.Trace) GenerateOption {
	return func(o *generateOptions) error {
		o.trace = t
		return nil
	}
}

// WithPromptProgress calls f before each chunk of the prompt is read, with the tokens read so far and to read in all.
func WithPromptProgress(f func(done, total int)) GenerateOption {
	return func(o *generateOptions) error {
		o.progress = f
		return nil
	}
}

// WithResult has r filled in when the generation ends, however it ends.
func WithResult(r *Result) GenerateOption {
	return func(o *generateOptions) error {
		o.result = r
		return nil
	}
}

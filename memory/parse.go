package memory

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize"
)

// Names are those of the policies, as Parse reads them.
var Names = []string{"full", "window", "sinks", "lambda", "infllm", "sirllm"}

// Parse makes a policy for a model trained on so many tokens. options are "name=value" with commas between, by the
// names of the policies' papers; what is not said has the papers' value, or as much of it as the trained length allows.
func Parse(name, options string, trained int) (Policy, error) {
	given, err := split(options)
	if err != nil {
		return nil, fmt.Errorf("memory %s: %w", name, err)
	}
	p, known, err := build(name, given, trained)
	if err != nil {
		return nil, fmt.Errorf("memory %s: %w", name, err)
	}
	for _, key := range slices.Sorted(maps.Keys(given)) {
		if !slices.Contains(known, key) {
			return nil, fmt.Errorf("memory %s has no option %q; it has: %s", name, key, strings.Join(known, ", "))
		}
	}
	return p, p.Check()
}

// split reads "a=1,b=2".
func split(options string) (map[string]string, error) {
	given := map[string]string{}
	for _, o := range strings.FieldsFunc(options, func(r rune) bool { return r == ',' }) {
		key, value, ok := strings.Cut(strings.TrimSpace(o), "=")
		if !ok || key == "" || value == "" {
			return nil, fmt.Errorf("option %q is not of the form name=value", o)
		}
		if _, twice := given[key]; twice {
			return nil, fmt.Errorf("option %s is given twice", key)
		}
		given[key] = value
	}
	return given, nil
}

// build makes a policy from options, and says which it knows.
func build(name string, given map[string]string, trained int) (Policy, []string, error) {
	r := &reader{given: given}
	var p Policy
	switch name {
	case "full":
		p = Full{}
	case "window":
		w := Window{Size: trained}
		r.number("n_local", &w.Size)
		p = w
	case "sinks":
		k := Sinks{Start: 4}
		r.number("start_size", &k.Start)
		k.Recent = max(1, trained-k.Start-1)
		r.number("recent_size", &k.Recent)
		p = k
	case "lambda":
		l := Lambda{Start: 10, Local: trained}
		r.number("n_starting", &l.Start)
		r.number("n_local", &l.Local)
		l.Limit = max(l.Local, trained)
		r.number("l_pretrain", &l.Limit)
		r.number("top_k", &l.TopK)
		r.number("top_k_from_layer", &l.Layer)
		p = l
	case "infllm":
		p = r.infllm(InfLLMFor(trained))
	case "sirllm":
		l := SirLLMFor(trained)
		r.number("start_size", &l.Start)
		r.number("entropy_size", &l.EntropySize)
		r.number("recent_size", &l.Recent)
		r.float("decay", &l.Decay)
		p = l
	default:
		return nil, nil, fmt.Errorf("is not one of %s", strings.Join(Names, ", "))
	}
	return p, r.known, r.err
}

// infllm reads the options of InfLLM. What is not given follows from what is.
func (r *reader) infllm(l InfLLM) InfLLM {
	r.number("n_init", &l.NInit)
	r.number("n_local", &l.NLocal)
	r.number("block_size", &l.BlockSize)
	r.number("topk", &l.TopK)
	r.number("repr_topk", &l.ReprTopK)
	l.ExcBlockSize = min(512, max(1, l.NLocal/4))
	r.number("exc_block_size", &l.ExcBlockSize)
	l.MaxCachedBlock = max(l.MaxCachedBlock, 2*l.TopK)
	r.number("max_cached_block", &l.MaxCachedBlock)
	r.text("cache_strategy", &l.CacheStrategy)
	r.float("score_decay", &l.ScoreDecay)
	r.bytes("host_limit", &l.HostLimit)
	r.text("spill_dir", &l.SpillDir)
	return l
}

// reader takes options out of a list; the first error is kept.
type reader struct {
	given map[string]string
	known []string
	err   error
}

// take is the value of an option, where it is given.
func (r *reader) take(key string) (string, bool) {
	r.known = append(r.known, key)
	v, ok := r.given[key]
	return v, ok && r.err == nil
}

func (r *reader) number(key string, into *int) {
	if text, ok := r.take(key); ok {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 || n > 1<<30 {
			r.err = fmt.Errorf("%s is %q, want a number from 0 to 2^30", key, text)
			return
		}
		*into = n
	}
}

func (r *reader) float(key string, into *float64) {
	if text, ok := r.take(key); ok {
		x, err := strconv.ParseFloat(text, 64)
		if err != nil {
			r.err = fmt.Errorf("%s is %q, want a number", key, text)
			return
		}
		*into = x
	}
}

func (r *reader) text(key string, into *string) {
	if text, ok := r.take(key); ok {
		*into = text
	}
}

func (r *reader) bytes(key string, into *int64) {
	if text, ok := r.take(key); ok {
		n, err := humanize.ParseBytes(text)
		if err != nil || n > 1<<62 {
			r.err = fmt.Errorf("%s is %q, want a size such as 4GiB", key, text)
			return
		}
		*into = int64(n)
	}
}

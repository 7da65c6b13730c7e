package lrun

import (
	"fmt"
	"math"
	"strings"

	"github.com/lrun/lrun/memory"
	"github.com/lrun/lrun/model"
	"github.com/lrun/lrun/positional"
)

// endless stands for a context without an end.
const endless = positional.Endless

// WithRope replaces the checkpoint's own way of telling positions apart, to read past the length that it was trained for:
// a scaling of its rotary frequencies, such as "linear:4", "ntk:8" or "yarn:4" (see positional.Scaling.Override), or
// "lambda:10,2048", LM-Infinite's mask of the first and the last tokens (see memory.ParseLambda), which has no end.
func WithRope(method string) Option {
	return func(o *openOptions) error {
		if method == "" {
			return fmt.Errorf("an empty rope: name a method, such as linear:4 or lambda:10,2048")
		}
		o.rope = method
		return nil
	}
}

// lambda are the arguments of the method lambda, where that is the one.
func (o *openOptions) lambda() (args string, ok bool) {
	name, args, _ := strings.Cut(o.rope, ":")
	return args, name == "lambda"
}

// scaling is the method that replaces the scaling of the rope's frequencies, or "".
func (o *openOptions) scaling() string {
	if _, ok := o.lambda(); ok {
		return ""
	}
	return o.rope
}

// policy is what a query of the model sees.
func (o *openOptions) policy(s *model.Spec) (memory.Policy, error) {
	p, err := o.chosen(s.Context)
	if err != nil {
		return nil, err
	}
	if _, all := p.(memory.Full); all {
		return p, nil
	}
	if !s.Attends() {
		return nil, fmt.Errorf("%s has no attention whose tokens a memory could choose: it carries a state of one size, and reads texts "+
			"of any length as it is; leave the memory out", s.Type)
	}
	for _, r := range s.Ropes() {
		if p.Sets(endless) > 1 && r.Apart() {
			return nil, fmt.Errorf("%s does not go with this model's rope (%s)", p, r.Summary())
		}
	}
	if l, ok := p.(memory.Lambda); ok && l.TopK > 0 && !s.SeesAll(l.Layer) {
		return nil, fmt.Errorf("lambda looks up from layer %d on, but none of the model's %d layers from there on sees all tokens",
			l.Layer, len(s.Layers))
	}
	return p, nil
}

// chosen is the policy that was asked for.
func (o *openOptions) chosen(trained int) (memory.Policy, error) {
	args, lambda := o.lambda()
	switch {
	case lambda && o.memory != nil:
		return nil, fmt.Errorf("--rope lambda is a memory of its own, and there is another: leave one of them out")
	case lambda:
		return memory.ParseLambda(args, trained)
	case o.memory != nil:
		return o.memory(trained)
	}
	return memory.Full{}, nil
}

// contextOf is how many tokens a session may hold: as many as asked for, else what the model was trained for, or more
// where its scaling is meant for more; without attention there is no end.
func (o *openOptions) contextOf(s *model.Spec, p memory.Policy) (int, error) {
	switch {
	case o.context > 0 && s.Fixed && o.context > s.Context:
		return 0, fmt.Errorf("a context of %d tokens: the model's learned positions end at %d", o.context, s.Context)
	case o.context > 0:
		return o.context, nil
	case (o.anyLong || p.Span(endless) < endless || !s.Attends()) && !s.Fixed:
		return endless, nil
	}
	reach := s.Context
	for _, r := range s.Ropes() {
		reach = max(reach, r.Reach())
	}
	return reach, nil
}

// RopeInfo is one of a model's rotary embeddings. Frequencies are in radians a position, one for each pair of channels.
type RopeInfo struct {
	Summary   string    `json:"summary"`
	Layers    int       `json:"layers"`    // that use it
	InvFreq   []float64 `json:"inv_freq"`  // at the end of the context
	Plain     []float64 `json:"plain"`     // without the scaling
	Attention float64   `json:"attention"` // the factor on cosines and sines
}

// ropes are the rotary embeddings of a model for texts of length tokens.
func ropes(s *model.Spec, length int) []RopeInfo {
	all := []RopeInfo{}
	for _, r := range s.Ropes() {
		info := RopeInfo{Summary: r.Summary(), InvFreq: r.Frequencies(r.Stage(length, length)), Plain: r.Plain(), Attention: r.Attention}
		for i := range s.Layers {
			if s.Layers[i].Attention.Rope == r {
				info.Layers++
			}
		}
		all = append(all, info)
	}
	return all
}

// Wavelength is how many positions a pair of channels takes for a turn: infinitely many where it does not turn.
func Wavelength(invFreq float64) float64 { return 2 * math.Pi / invFreq }

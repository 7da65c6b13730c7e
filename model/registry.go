package model

import (
	"fmt"
	"slices"
	"strings"
)

// architectures maps a model_type to its declaration; each architecture's file registers its own.
var architectures = map[string]func(*Config) *Spec{}

// register adds an architecture under its model_type.
func register(modelType string, declare func(*Config) *Spec) { architectures[modelType] = declare }

// Architectures are the model types that can be loaded, sorted.
func Architectures() []string {
	var names []string
	for name := range architectures {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Declare is the Spec that a config.json asks for. Errors name the key that is missing or wrong, or the model_type that
// is not known.
func Declare(c *Config) (*Spec, error) {
	if c.ofMambaSSM() {
		c.asHuggingFace()
	}
	if !c.Has("model_type") {
		return nil, fmt.Errorf("%s: model_type is missing", c.file)
	}
	name := c.StringOr("model_type", "")
	if c.Err() != nil {
		return nil, c.Err()
	}
	declare, ok := architectures[name]
	if !ok {
		return nil, fmt.Errorf("%s: model_type %q is not supported (known: %s)", c.file, name, strings.Join(Architectures(), ", "))
	}
	s := declare(c)
	c.slidingRopes(s)
	if c.method != "" && c.Err() == nil && len(s.Ropes()) == 0 {
		*c.err = fmt.Errorf("rope %s: %s has no rotary positions to change", c.method, name)
	}
	if c.Err() != nil {
		return nil, c.Err()
	}
	s.Type = name
	if s.Embedding.Width == 0 {
		s.Embedding.Width = s.Dim
	}
	return s, s.check(c.file)
}

// check finds declarations that no network can run.
func (s *Spec) check(file string) error {
	for i := range s.Layers {
		a := &s.Layers[i].Attention
		switch {
		case a.Heads == 0: // nothing to check
		case a.Heads%a.KVHeads != 0:
			return fmt.Errorf("%s: num_attention_heads %d is not a multiple of num_key_value_heads %d", file, a.Heads, a.KVHeads)
		case a.Heads*a.HeadDim > largest:
			return fmt.Errorf("%s: %d heads of %d channels are too many", file, a.Heads, a.HeadDim)
		case a.Rope != nil && a.Rope.Rotary() > a.HeadDim:
			return fmt.Errorf("%s: the rope rotates %d channels of a head of %d", file, a.Rope.Rotary(), a.HeadDim)
		}
		if x := s.Layers[i].Mixer; x != nil {
			if err := x.check(); err != nil {
				return fmt.Errorf("%s: %w", file, err)
			}
		}
		if e := s.Layers[i].MLP.Experts; e != nil && e.TopK > e.Count {
			return fmt.Errorf("%s: num_experts_per_tok %d of %d experts", file, e.TopK, e.Count)
		}
	}
	return nil
}

package model

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Mitigation keeps the states of Mamba-2 layers from collapsing in texts longer than those of training, by one of three methods
// of Stuffed Mamba (arXiv 2410.07145). With reduced retention and insertion (RRI) what is remembered and what is added shrink
// by a factor with every token. With state normalisation no head's state keeps a norm above the one that it had after the
// first tokens of the text itself: heads differ too much for one threshold, and a prompt of its own would have to be chosen
// and read. With a sliding window of r tokens, by subtraction, a state at every multiple of r becomes h_t − (Π α_u) h_{t−r}, the
// product of the decays since: what the last r tokens alone would have left. Between, it knows up to 2r; a window at every token
// would need the inputs of r tokens. The zero value changes nothing.
type Mitigation struct {
	Retain    float64 // factor of what is remembered, above 0 and at most 1; 0: none
	Insert    float64 // factor of what is added, above 0; 0: none
	Reference int     // tokens after which norms of states are learned, a multiple of normEvery; 0: they have no bound
	Window    int     // tokens of the sliding window; 0: none
}

// normEvery is the tokens between two looks at the norms of states. Steps end there.
const normEvery = 128

// mitigationForm is how a Mitigation is written.
const mitigationForm = "the form is rri, or rri:0.9999,0.75 (the factors of what is remembered and of what is added), " +
	"or statenorm, or statenorm:1024 (the tokens after which norms are learned), or window:8192 (the tokens that a state knows)"

// ParseMitigation reads "rri", "rri:RETAIN,INSERT", "statenorm", "statenorm:REFERENCE" or "window:TOKENS"; without numbers the
// factors are the paper's, 0.9999 and 0.75, and the reference is 1024 tokens. A window should be below what the model was trained for.
func ParseMitigation(text string) (Mitigation, error) {
	name, args, given := strings.Cut(text, ":")
	switch {
	case text == "rri":
		return Mitigation{Retain: 0.9999, Insert: 0.75}, nil
	case text == "statenorm":
		return Mitigation{Reference: 1024}, nil
	case name == "rri" && given:
		return parseRRI(text, args)
	case name == "statenorm" && given:
		n, err := strconv.Atoi(args)
		if err != nil || n < 1 || n%normEvery != 0 {
			return Mitigation{}, fmt.Errorf("mitigation %q: want a multiple of %d tokens; %s", text, normEvery, mitigationForm)
		}
		return Mitigation{Reference: n}, nil
	case name == "window" && given:
		n, err := strconv.Atoi(args)
		if err != nil || n < 1 {
			return Mitigation{}, fmt.Errorf("mitigation %q: want a number of tokens above 0; %s", text, mitigationForm)
		}
		return Mitigation{Window: n}, nil
	}
	return Mitigation{}, fmt.Errorf("mitigation %q is not known; %s", text, mitigationForm)
}

func parseRRI(text, args string) (m Mitigation, err error) {
	retain, insert, two := strings.Cut(args, ",")
	if m.Retain, err = strconv.ParseFloat(retain, 64); err == nil {
		m.Insert, err = strconv.ParseFloat(insert, 64)
	}
	if err != nil || !two || !(m.Retain > 0 && m.Retain <= 1) || !(m.Insert > 0 && m.Insert <= math.MaxFloat32) {
		return Mitigation{}, fmt.Errorf("mitigation %q: want two numbers above 0, the first at most 1; %s", text, mitigationForm)
	}
	return m, nil
}

// String is what ParseMitigation reads; empty for none.
func (m Mitigation) String() string {
	switch {
	case m.Reference > 0:
		return fmt.Sprintf("statenorm:%d", m.Reference)
	case m.Window > 0:
		return fmt.Sprintf("window:%d", m.Window)
	case m == (Mitigation{}):
		return ""
	}
	return fmt.Sprintf("rri:%v,%v", m.Retain, m.Insert)
}

// retain is what RRI adds to the logarithm of the decay.
func (m Mitigation) retain() float32 {
	if m.Retain == 0 {
		return 0
	}
	return float32(math.Log(m.Retain))
}

// Mitigate applies a mitigation to the layers of Mamba-2; a model without any is an error.
func (s *Spec) Mitigate(m Mitigation) error {
	if m == (Mitigation{}) {
		return nil
	}
	found := false
	for i := range s.Layers {
		if a, ok := s.Layers[i].Mixer.(*Mamba2); ok {
			found, a.Mitigation = true, m
		}
	}
	if !found {
		return fmt.Errorf("mitigation %v is for layers of Mamba-2, and %s has none: leave it out", m, s.Type)
	}
	switch {
	case m.Reference > 0:
		s.StepEnd = normEvery
	case m.Window > 0:
		s.StepEnd = m.Window
	}
	return nil
}

package model

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Mitigation keeps the states of Mamba-2 layers from collapsing in texts longer than those of training, by reduced retention
// and insertion (RRI, Stuffed Mamba, arXiv 2410.07145): what is remembered and what is added shrink by a factor with every
// token. The zero value changes nothing.
type Mitigation struct {
	Retain float64 // factor of what is remembered, above 0 and at most 1; 0: none
	Insert float64 // factor of what is added, above 0; 0: none
}

// mitigationForm is how a Mitigation is written.
const mitigationForm = "the form is rri, or rri:0.9999,0.75 (the factors of what is remembered and of what is added)"

// ParseMitigation reads "rri" or "rri:RETAIN,INSERT"; without numbers they are the paper's, 0.9999 and 0.75.
func ParseMitigation(text string) (Mitigation, error) {
	name, args, given := strings.Cut(text, ":")
	if name != "rri" {
		return Mitigation{}, fmt.Errorf("mitigation %q is not known; %s", text, mitigationForm)
	}
	if !given {
		return Mitigation{Retain: 0.9999, Insert: 0.75}, nil
	}
	retain, insert, two := strings.Cut(args, ",")
	var m Mitigation
	var err error
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
	if m == (Mitigation{}) {
		return ""
	}
	return fmt.Sprintf("rri:%v,%v", m.Retain, m.Insert)
}

// Check refuses a mitigation for a model that has no layers of Mamba-2.
func (m Mitigation) Check(s *Spec) error {
	if m == (Mitigation{}) {
		return nil
	}
	for i := range s.Layers {
		if _, ok := s.Layers[i].Mixer.(*Mamba2); ok {
			return nil
		}
	}
	return fmt.Errorf("mitigation %v is for layers of Mamba-2, and %s has none: leave it out", m, s.Type)
}

// mitigate applies it to the network's layers of Mamba-2.
func (n *network) mitigate(m Mitigation) {
	for i := range n.layers {
		if x, ok := n.layers[i].mixer.(*mamba2Mixer); ok {
			x.insert = float32(m.Insert)
			if m.Retain > 0 {
				x.retain = float32(math.Log(m.Retain))
			}
		}
	}
}

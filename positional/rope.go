package positional

import (
	"fmt"
	"math"
)

// Scaling is a checkpoint's `rope_scaling` (or `rope_parameters`), as config.json spells it. Type "" means default.
type Scaling struct {
	Type            string  // rope_type, or type in older files
	Factor          float64 // llama3: how much the slow pairs are stretched
	LowFreqFactor   float64 // llama3: pairs slower than Original/LowFreqFactor positions a turn are stretched in full
	HighFreqFactor  float64 // llama3: pairs faster than Original/HighFreqFactor are left alone
	OriginalContext int     // original_max_position_embeddings, in tokens
}

// Rope is a rotary embedding: pair i of the rotated channels turns by InvFreq[i] radians a position.
type Rope struct {
	InvFreq     []float64
	Attention   float64 // multiplies cosines and sines; 1 but for YaRN and LongRoPE
	Interleaved bool    // pairs are (2i, 2i+1), not (i, i + len(InvFreq))
}

// New is the rope of a model: theta is `rope_theta`, rotary the number of rotated channels (even). An error names a type
// that is not known and a constant that makes no sense.
func New(theta float64, rotary int, s Scaling) (*Rope, error) {
	if rotary <= 0 || rotary%2 != 0 {
		return nil, fmt.Errorf("rope: %d rotated channels, want an even number above 0", rotary)
	}
	if !(theta > 1) || math.IsInf(theta, 0) {
		return nil, fmt.Errorf("rope_theta is %v, want a number above 1", theta)
	}
	r := &Rope{InvFreq: Default(theta, rotary), Attention: 1}
	switch s.Type {
	case "", "default":
		return r, nil
	case "llama3":
		return r, Llama3(r.InvFreq, s)
	}
	return nil, fmt.Errorf("rope_scaling type %q is not supported (known: default, llama3)", s.Type)
}

// Default are the frequencies of plain RoPE: theta^(−2i/rotary).
func Default(theta float64, rotary int) []float64 {
	w := make([]float64, rotary/2)
	for i := range w {
		w[i] = math.Pow(theta, -2*float64(i)/float64(rotary))
	}
	return w
}

// Llama3 stretches frequencies in place as Llama 3.1 does: pairs that turn seldom in the original context are divided by
// the factor, fast ones stay, and those between are blended linearly in the number of turns.
func Llama3(w []float64, s Scaling) error {
	lo, hi, old := s.LowFreqFactor, s.HighFreqFactor, float64(s.OriginalContext)
	switch {
	case !(s.Factor >= 1) || math.IsInf(s.Factor, 0):
		return fmt.Errorf("rope_scaling factor is %v, want a number of at least 1", s.Factor)
	case !(lo > 0) || !(hi > lo) || math.IsInf(hi, 0):
		return fmt.Errorf("rope_scaling low_freq_factor %v and high_freq_factor %v, want 0 < low < high", lo, hi)
	case old <= 0:
		return fmt.Errorf("rope_scaling original_max_position_embeddings is %v, want a number above 0", old)
	}
	for i, e := range w {
		turns := old * e / (2 * math.Pi)
		k := math.Max(0, math.Min(1, (turns-lo)/(hi-lo)))
		w[i] = (1-k)*e/s.Factor + k*e
	}
	return nil
}

// Angles appends one row of cosines and one of sines (f32 bits) for a position to dst: 2·len(InvFreq) words.
func (r *Rope) Angles(dst []uint32, position int) []uint32 {
	at := len(dst)
	n := len(r.InvFreq)
	for range 2 * n {
		dst = append(dst, 0)
	}
	for i, w := range r.InvFreq {
		sin, cos := math.Sincos(float64(position) * w)
		dst[at+i] = math.Float32bits(float32(cos * r.Attention))
		dst[at+n+i] = math.Float32bits(float32(sin * r.Attention))
	}
	return dst
}

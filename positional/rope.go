package positional

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// Rope is a rotary embedding (arXiv 2104.09864): pair i of the rotated channels turns by so many radians a position. Where
// that depends on the length of the text, the lengths of one stage share their frequencies. A Rope is not safe for
// concurrent use.
type Rope struct {
	InvFreq     []float64 // of stage 0, in radians a position
	Attention   float64   // multiplies cosines and sines; 1 but for YaRN and LongRoPE
	Interleaved bool      // pairs are (2i, 2i+1), not (i, i + len(InvFreq))

	theta  float64
	what   string                                  // the method and its constants, in words
	reach  int                                     // tokens that the method is meant for; 0: it does not say
	stage  func(length, read int) int              // nil: always 0
	at     func(stage int) []float64               // the frequencies of stages above 0; nil: those of stage 0
	gain   func(length int) float64                // a factor on queries; nil: 1
	growth func(pair, position, stage int) float64 // ln of the factor on a key; nil: 0
	clex   *clex

	unsettled bool // each length is a stage of its own
	most      int  // tokens that may be read in a step; 0: any number

	recent [2]stageFreq // the stages that were asked for last
	zero   []float64    // the frequencies of Raw
}

// stageFreq are the frequencies of a stage.
type stageFreq struct {
	stage int
	freq  []float64
}

// Endless is the Reach of methods that go on for any length.
const Endless = 1 << 40

// Raw stands, among the stages of Shift, for a key that is not turned at all.
const Raw = -1

// methods are the scalings by their canonical names. Each changes a plain rope.
var methods = map[string]func(r *Rope, s Scaling) error{
	"linear": linear, "ntk": ntk, "dynamic": dynamic, "by-parts": byParts, "yarn": yarn, "longrope": longRope,
	"llama3": llama3, "giraffe": giraffe, "xpos": xPos, "clex": newCLEX,
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
	r := &Rope{InvFreq: Default(theta, rotary), Attention: 1, theta: theta, what: "default"}
	r.zero = make([]float64, len(r.InvFreq))
	if s.Type == "" || s.Type == "default" {
		return r, nil
	}
	scale, ok := methods[s.Type]
	if !ok {
		return nil, fmt.Errorf("rope_scaling type %q is not supported (known: default, %s)", s.Type, known())
	}
	if err := scale(r, s); err != nil {
		return nil, fmt.Errorf("rope_scaling type %s: %w", s.Type, err)
	}
	return r, nil
}

// known are the names of the methods.
func known() string { return strings.Join(slices.Sorted(maps.Keys(methods)), ", ") }

// Default are the frequencies of plain RoPE: theta^(−2i/rotary).
func Default(theta float64, rotary int) []float64 {
	w := make([]float64, rotary/2)
	for i := range w {
		w[i] = math.Pow(theta, -2*float64(i)/float64(rotary))
	}
	return w
}

// Plain are the frequencies without the scaling.
func (r *Rope) Plain() []float64 { return Default(r.theta, r.Rotary()) }

// Rotary is the number of rotated channels of a head.
func (r *Rope) Rotary() int { return 2 * len(r.InvFreq) }

// Reach is how many tokens the method is meant for, 0 where it does not say.
func (r *Rope) Reach() int { return r.reach }

// Apart reports whether queries are turned otherwise than keys (xPos, CLEX's logarithmic scale).
func (r *Rope) Apart() bool { return r.gain != nil || r.growth != nil }

// Unsettled reports whether, past the trained context, the frequencies change with every token (dynamic NTK).
func (r *Rope) Unsettled() bool { return r.unsettled }

// MostAtOnce is how many tokens may be read in one step, 0 where that does not matter.
func (r *Rope) MostAtOnce() int { return r.most }

// Stage is the one of a text of length tokens once it is read as far as token number read.
func (r *Rope) Stage(length, read int) int {
	if r.stage == nil {
		return 0
	}
	return r.stage(length, read)
}

// Same reports whether keys and queries are turned alike in texts of two lengths, each read as far as a token.
func (r *Rope) Same(length, read, otherLength, otherRead int) bool {
	return r.Stage(length, read) == r.Stage(otherLength, otherRead) && (r.gain == nil || r.gain(length) == r.gain(otherLength))
}

// Frequencies are those of a stage, in radians a position. They must not be changed.
func (r *Rope) Frequencies(stage int) []float64 {
	switch {
	case stage == Raw:
		return r.zero
	case stage == 0 || r.at == nil:
		return r.InvFreq
	case r.recent[0].stage == stage:
		return r.recent[0].freq
	case r.recent[1].stage != stage:
		r.recent[1] = stageFreq{stage, r.at(stage)}
	}
	r.recent[0], r.recent[1] = r.recent[1], r.recent[0]
	return r.recent[0].freq
}

// Keys appends the row by which a key at a position is turned, in a stage: cosines, then sines, one each a pair, as f32
// bits.
func (r *Rope) Keys(dst []uint32, position, stage int) []uint32 {
	dst, row := extend(dst, r.Rotary())
	for i, w := range r.Frequencies(stage) {
		turn(row, i, float64(position)*w, r.Attention*math.Exp(r.grown(i, position, stage)))
	}
	return dst
}

// Queries appends the row by which a query at a position is turned, in a stage of a text of length tokens.
func (r *Rope) Queries(dst []uint32, position, stage, length int) []uint32 {
	factor := r.Attention
	if r.gain != nil {
		factor *= r.gain(length)
	}
	dst, row := extend(dst, r.Rotary())
	for i, w := range r.Frequencies(stage) {
		turn(row, i, float64(position)*w, factor*math.Exp(-r.grown(i, position, stage)))
	}
	return dst
}

// Shift appends the rows that turn keys cached at positions first to last−1 in one stage into those of another. Either may
// be Raw: a key that is not turned, but has its factor Attention.
func (r *Rope) Shift(dst []uint32, first, last, from, to int) []uint32 {
	n := r.Rotary()
	dst, rows := extend(dst, (last-first)*n)
	old := r.Frequencies(from)
	for i, w := range r.Frequencies(to) {
		sin, cos := math.Sincos(float64(first) * (w - old[i]))
		stepSin, stepCos := math.Sincos(w - old[i])
		for p := first; p < last; p++ {
			row, factor := rows[(p-first)*n:(p-first+1)*n], 1.0
			if r.growth != nil {
				factor = math.Exp(r.grown(i, p, to) - r.grown(i, p, from))
			}
			row[i] = math.Float32bits(float32(factor * cos))
			row[n/2+i] = math.Float32bits(float32(factor * sin))
			// The next position by the addition theorem: a sine each would take most of the time. In f64 the error of a
			// few thousand steps is far below what f32 can tell.
			sin, cos = sin*stepCos+cos*stepSin, cos*stepCos-sin*stepSin
		}
	}
	return dst
}

// extend makes room for a row of n words at the end of dst.
func extend(dst []uint32, n int) (all, row []uint32) {
	all = append(dst, make([]uint32, n)...)
	return all, all[len(dst):]
}

// turn writes pair i of a row.
func turn(row []uint32, i int, angle, factor float64) {
	sin, cos := math.Sincos(angle)
	row[i] = math.Float32bits(float32(factor * cos))
	row[len(row)/2+i] = math.Float32bits(float32(factor * sin))
}

// grown is ln of the factor on a key at a position.
func (r *Rope) grown(pair, position, stage int) float64 {
	if r.growth == nil || stage == Raw {
		return 0
	}
	return r.growth(pair, position, stage)
}

// Summary says in a line what the rope is.
func (r *Rope) Summary() string {
	text := fmt.Sprintf("%s, theta %.6g, %d channels", r.what, r.theta, r.Rotary())
	if r.Attention != 1 {
		text += fmt.Sprintf(", attention factor %.5g", r.Attention)
	}
	turning := slices.DeleteFunc(slices.Clone(r.InvFreq), func(w float64) bool { return w == 0 })
	if len(turning) == 0 {
		return text + ", no pair turns"
	}
	fast, slow := slices.Max(turning), slices.Min(turning)
	text += fmt.Sprintf(", wavelengths %.4g to %.6g tokens", 2*math.Pi/fast, 2*math.Pi/slow)
	if still := len(r.InvFreq) - len(turning); still > 0 {
		text += fmt.Sprintf(", %d pairs do not turn", still)
	}
	return text
}

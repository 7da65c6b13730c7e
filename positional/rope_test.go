package positional

import (
	"math"
	"math/big"
	"strings"
	"testing"
)

// Ensure that Llama 3's scaling leaves fast pairs, divides slow ones, and blends those between, as worked out by hand.
func TestLlama3Bands(t *testing.T) {
	s := Scaling{Type: "llama3", Factor: 8, LowFreqFactor: 1, HighFreqFactor: 4, OriginalContext: 8192}
	plain := Default(500000, 128)
	r, err := New(500000, 128, s)
	if err != nil {
		t.Fatal(err)
	}
	for i, w := range r.InvFreq {
		wavelength := 2 * math.Pi / plain[i]
		var want float64
		switch {
		case wavelength > 8192:
			want = plain[i] / 8
		case wavelength < 2048:
			want = plain[i]
		default:
			k := (8192/wavelength - 1) / 3
			want = (1-k)*plain[i]/8 + k*plain[i]
		}
		if math.Abs(w-want) > 1e-12*want {
			t.Errorf("pair %d: %v, want %v", i, w, want)
		}
	}
}

// Ensure that angles are exact at positions that f32 cannot hold.
func TestAnglesFarOut(t *testing.T) {
	r, err := New(10000, 8, Scaling{})
	if err != nil {
		t.Fatal(err)
	}
	for _, position := range []int{1<<24 + 1, 10_000_000} {
		row := r.Angles(nil, position)
		for i, w := range r.InvFreq {
			cos, sin := exact(w, position)
			gotCos, gotSin := math.Float32frombits(row[i]), math.Float32frombits(row[4+i])
			if math.Abs(float64(gotCos)-cos) > 1e-7 || math.Abs(float64(gotSin)-sin) > 1e-7 {
				t.Errorf("position %d, pair %d: %v %v, want %v %v", position, i, gotCos, gotSin, cos, sin)
			}
		}
	}
}

// exact is cos and sin of w·position, reduced by 2π in 200 bits.
func exact(w float64, position int) (cos, sin float64) {
	pi, _, _ := big.ParseFloat("3.14159265358979323846264338327950288419716939937510582097494459230781640628621", 10, 200, big.ToNearestEven)
	turn := new(big.Float).Mul(pi, big.NewFloat(2))
	angle := new(big.Float).SetPrec(200).Mul(big.NewFloat(w), new(big.Float).SetInt64(int64(position)))
	turns, _ := new(big.Float).Quo(angle, turn).Int(nil)
	angle.Sub(angle, turn.Mul(turn, new(big.Float).SetInt(turns)))
	rest, _ := angle.Float64()
	return math.Cos(rest), math.Sin(rest)
}

// Ensure that constants which make no sense are errors that name them.
func TestRopeErrors(t *testing.T) {
	good := Scaling{Type: "llama3", Factor: 8, LowFreqFactor: 1, HighFreqFactor: 4, OriginalContext: 64}
	with := func(change func(*Scaling)) Scaling {
		s := good
		change(&s)
		return s
	}
	for _, c := range []struct {
		theta  float64
		rotary int
		s      Scaling
		want   string
	}{
		{0, 8, Scaling{}, "rope_theta"},
		{math.NaN(), 8, Scaling{}, "rope_theta"},
		{10000, 7, Scaling{}, "7 rotated channels"},
		{10000, 0, Scaling{}, "0 rotated channels"},
		{10000, 8, Scaling{Type: "magic"}, `type "magic" is not supported`},
		{10000, 8, with(func(s *Scaling) { s.Factor = math.NaN() }), "factor is NaN"},
		{10000, 8, with(func(s *Scaling) { s.Factor = -1 }), "factor is -1"},
		{10000, 8, with(func(s *Scaling) { s.HighFreqFactor = 1 }), "0 < low < high"},
		{10000, 8, with(func(s *Scaling) { s.OriginalContext = 0 }), "original_max_position_embeddings"},
	} {
		if _, err := New(c.theta, c.rotary, c.s); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("theta %v, %d channels, %+v: error %v, want %q", c.theta, c.rotary, c.s, err, c.want)
		}
	}
}

// Ensure that slopes are the reference's for powers of two and for other counts.
func TestALiBiSlopes(t *testing.T) {
	for _, c := range []struct {
		name string
		got  []float32
		want []float32
	}{
		{"BLOOM, 4", ALiBiSlopes(4), []float32{0.25, 0.0625, 0.015625, 0.00390625}},
		{"BLOOM, 6", ALiBiSlopes(6), []float32{0.25, 0.0625, 0.015625, 0.00390625, 0.5, 0.125}},
		{"BLOOM, 1", ALiBiSlopes(1), []float32{0.00390625}},
		{"MPT, 4", MPTSlopes(4, 8), []float32{0.25, 0.0625, 0.015625, 0.00390625}},
		{"MPT, 6", MPTSlopes(6, 8), []float32{0.25, 0.0625, 0.015625, 0.00390625, 0.5, 0.125}},
	} {
		if len(c.got) != len(c.want) {
			t.Fatalf("%s: %v, want %v", c.name, c.got, c.want)
		}
		for i := range c.want {
			if c.got[i] != c.want[i] {
				t.Errorf("%s: %v, want %v", c.name, c.got, c.want)
			}
		}
	}
}

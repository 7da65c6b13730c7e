package model

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/lrun/lrun/internal/testkit"
	"github.com/lrun/lrun/statespace"
	"github.com/lrun/lrun/weights"
)

// Ensure that an S4D language model gives what its definition gives, computed by convolution in float64, in chunks of any
// size, on every backend.
func TestS4D(t *testing.T) {
	const vocab, dim, poles, layers, expand = 31, 10, 5, 2, 3
	dir := t.TempDir()
	config, err := json.Marshal(map[string]any{
		"model_type": "s4d", "vocab_size": vocab, "d_model": dim, "d_state": 2 * poles, "n_layers": layers, "expand": expand,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "config.json"), config, 0o600); err != nil {
		t.Fatal(err)
	}
	g := &generator{random: rand.New(rand.NewPCG(5, 6)), seen: map[string]bool{}}
	g.network(declared(t, dir))
	for _, p := range []string{"model.layers.0.layer.", "model.layers.2.layer."} {
		g.tensor(p+"D", 0, dim)
		g.tensor(p+"kernel.log_dt", -2, dim)
		g.tensor(p+"kernel.log_A_real", -1, dim, poles)
		g.tensor(p+"kernel.A_imag", 5, dim, poles)
		g.tensor(p+"kernel.C", 1, dim, poles, 2)
		g.tensor(p+"output_linear.0.weight", 0, 2*dim, dim, 1)
		g.tensor(p+"output_linear.0.bias", 0, 2*dim)
	}
	if err := weights.Write(filepath.Join(dir, "model.safetensors"), g.tensors, nil); err != nil {
		t.Fatal(err)
	}
	ids := longText(70)
	for i := range ids {
		ids[i] %= vocab
	}
	r := s4dReference{g: g, dim: dim, poles: poles}
	want := r.logits(ids, layers)
	for _, b := range testkit.Backends(t) {
		m := load(t, b, dir, declared(t, dir), Options{})
		for _, chunk := range []int{1, 7, 70} {
			if e := largestError(allLogits(t, m, b, ids, chunk), want); !(e <= 2e-5) {
				t.Errorf("%s in chunks of %d: logits differ by %.3g", b.Name(), chunk, e)
			}
		}
	}
}

// s4dReference computes an S4D language model from its tensors, in float64.
type s4dReference struct {
	g          *generator
	dim, poles int
}

func (r *s4dReference) tensor(name string) []float64 {
	for i := range r.g.tensors {
		if r.g.tensors[i].Name == name {
			var v []float64
			for _, x := range r.g.tensors[i].Float32s() {
				v = append(v, float64(x))
			}
			return v
		}
	}
	panic(name)
}

func (r *s4dReference) logits(ids []int32, layers int) []float32 {
	table := r.tensor("encoder.weight")
	var x [][]float64
	for _, id := range ids {
		x = append(x, append([]float64{}, table[int(id)*r.dim:(int(id)+1)*r.dim]...))
	}
	for i := range layers {
		p, ff := []string{"model.layers.0.", "model.layers.2."}[i], []string{"model.layers.1.", "model.layers.3."}[i]
		y := r.mixed(r.normed(x, p+"norm.norm"), p+"layer.")
		for t := range x {
			for c, v := range r.linear(y[t], p+"layer.output_linear.0")[:r.dim] {
				x[t][c] += v / (1 + math.Exp(-r.linear(y[t], p+"layer.output_linear.0")[r.dim+c]))
			}
		}
		for t, h := range r.normed(x, ff+"norm.norm") {
			inner := r.linear(h, ff+"layer.ff.0.0")
			for j := range inner {
				inner[j] = gelu(inner[j])
			}
			for c, v := range r.linear(inner, ff+"layer.ff.2") {
				x[t][c] += v
			}
		}
	}
	var logits []float32
	for _, h := range r.normed(x, "model.norm.norm") {
		for _, v := range r.linear(h, "decoder") {
			logits = append(logits, float32(v))
		}
	}
	return logits
}

// mixed is GELU of the convolution of each channel with its kernel.
func (r *s4dReference) mixed(x [][]float64, p string) [][]float64 {
	d, k := r.tensor(p+"D"), p+"kernel."
	logDt, re, im, c := r.tensor(k+"log_dt"), r.tensor(k+"log_A_real"), r.tensor(k+"A_imag"), r.tensor(k+"C")
	y := make([][]float64, len(x))
	for t := range y {
		y[t] = make([]float64, r.dim)
	}
	for h := range r.dim {
		a, w := make([]complex128, r.poles), make([]complex128, r.poles)
		for i := range a {
			at := h*r.poles + i
			a[i], w[i] = complex(-math.Exp(re[at]), im[at]), complex(c[2*at], c[2*at+1])
		}
		kernel := statespace.ZeroOrderHold(a, w, math.Exp(logDt[h])).Kernel(len(x))
		for t := range x {
			sum := d[h] * x[t][h]
			for s := range t + 1 {
				sum += kernel[s] * x[t-s][h]
			}
			y[t][h] = gelu(sum)
		}
	}
	return y
}

func (r *s4dReference) normed(x [][]float64, name string) [][]float64 {
	weight, bias := r.tensor(name+".weight"), r.tensor(name+".bias")
	out := make([][]float64, len(x))
	for t, v := range x {
		mean, square := 0.0, 0.0
		for _, a := range v {
			mean += a / float64(len(v))
		}
		for _, a := range v {
			square += (a - mean) * (a - mean) / float64(len(v))
		}
		for c, a := range v {
			out[t] = append(out[t], (a-mean)/math.Sqrt(square+1e-5)*weight[c]+bias[c])
		}
	}
	return out
}

func (r *s4dReference) linear(x []float64, name string) []float64 {
	weight, y := r.tensor(name+".weight"), r.tensor(name+".bias")
	for i := range y {
		for j, v := range x {
			y[i] += weight[i*len(x)+j] * v
		}
	}
	return y
}

func gelu(x float64) float64 { return x / 2 * (1 + math.Erf(x/math.Sqrt2)) }

package model

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/lrun/lrun/internal/testkit"
	"github.com/lrun/lrun/weights"
)

// transNormerWith writes a random TransNormerLLM of three layers, of which the first turns its keys.
func transNormerWith(t *testing.T, heads, headDim, hidden, vocab int) string {
	t.Helper()
	config, err := json.Marshal(map[string]any{
		"model_type": "transnormer", "decoder_embed_dim": heads * headDim, "decoder_layers": 3, "decoder_attention_heads": heads,
		"glu_dim": hidden, "vocab_size": vocab, "hidden_dim": heads * headDim, "linear_use_lrpe_list": []int{1, 0, 0},
		"tie_word_embeddings": false, "bias": true,
	})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "config.json"), config, 0o600); err != nil {
		t.Fatal(err)
	}
	g := &generator{random: rand.New(rand.NewPCG(5, 6)), seen: map[string]bool{}}
	g.network(declared(t, dir))
	if err := weights.Write(filepath.Join(dir, "model.safetensors"), g.tensors, nil); err != nil {
		t.Fatal(err)
	}
	return dir
}

// plainTransNormer computes the model's logits as its paper has them, sums over all pairs of tokens in float64.
type plainTransNormer struct {
	t              *testing.T
	ckpt           *weights.Checkpoint
	heads, headDim int
}

func (p *plainTransNormer) tensor(name string) []float64 {
	tensor, ok := p.ckpt.Tensor(name)
	if !ok {
		p.t.Fatalf("no %s", name)
	}
	var v []float64
	for _, x := range tensor.Float32s() {
		v = append(v, float64(x))
	}
	return v
}

// linear is W·x + b.
func (p *plainTransNormer) linear(name string, x []float64) []float64 {
	w := p.tensor(name + ".weight")
	y := make([]float64, len(w)/len(x))
	if _, ok := p.ckpt.Tensor(name + ".bias"); ok {
		copy(y, p.tensor(name+".bias"))
	}
	for r := range y {
		for c, v := range x {
			y[r] += w[r*len(x)+c] * v
		}
	}
	return y
}

func plainNorm(x []float64) []float64 {
	sum, y := 0.0, make([]float64, len(x))
	for _, v := range x {
		sum += v * v
	}
	for i, v := range x {
		y[i] = v / math.Sqrt(sum/float64(len(x))+1e-6)
	}
	return y
}

// mixed is a layer's attention of normed inputs.
func (p *plainTransNormer) mixed(prefix string, layer, layers int, x [][]float64) [][]float64 {
	dim := p.heads * p.headDim
	qkvu := make([][]float64, len(x))
	for i := range x {
		qkvu[i] = p.linear(prefix+"qkvu_proj", x[i])
		for c := range 2 * dim {
			qkvu[i][c] /= 1 + math.Exp(-qkvu[i][c])
		}
	}
	var theta []float64
	if layer == 0 {
		theta = p.tensor(prefix + "lrpe.theta")
	}
	slopes := []float64{1.0 / 16, 1.0 / 256, 1.0 / 4} // ALiBi's of three heads
	all := make([][]float64, len(x))
	for i := range x {
		o := make([]float64, dim)
		for c := range o {
			h := c / p.headDim
			slope := slopes[h] * (1 - float64(layer)/float64(layers-1) + 1e-5)
			for j := range i + 1 {
				score := 0.0
				for d := h * p.headDim; d < (h+1)*p.headDim; d++ {
					turn := 1.0
					if theta != nil {
						turn = math.Cos(theta[d] * float64(i-j))
					}
					score += qkvu[i][d] * qkvu[j][dim+d] * turn
				}
				o[c] += math.Exp(-slope*float64(i-j)) * score * qkvu[j][2*dim+c]
			}
		}
		o = plainNorm(o)
		for c := range o {
			o[c] *= qkvu[i][3*dim+c]
		}
		all[i] = p.linear(prefix+"out_proj", o)
	}
	return all
}

func (p *plainTransNormer) logits(ids []int32, layers int) []float32 {
	dim := p.heads * p.headDim
	table := p.tensor("model.embed_tokens.weight")
	x := make([][]float64, len(ids))
	for i, id := range ids {
		for _, v := range table[int(id)*dim : (int(id)+1)*dim] {
			x[i] = append(x[i], v*math.Sqrt(float64(dim)))
		}
	}
	for l := range layers {
		prefix := fmt.Sprintf("model.layers.%d.", l)
		normed := make([][]float64, len(x))
		for i := range x {
			normed[i] = plainNorm(x[i])
		}
		for i, o := range p.mixed(prefix+"token_mixer.", l, layers, normed) {
			for c := range o {
				x[i][c] += o[c]
			}
			h := plainNorm(x[i])
			gate, up := p.linear(prefix+"channel_mixer.l1", h), p.linear(prefix+"channel_mixer.l2", h)
			for c := range gate {
				gate[c] *= up[c]
			}
			for c, v := range p.linear(prefix+"channel_mixer.l3", gate) {
				x[i][c] += v
			}
		}
	}
	var all []float32
	for i := range x {
		for _, v := range p.linear("lm_head", plainNorm(x[i])) {
			all = append(all, float32(v))
		}
	}
	return all
}

// Ensure that TransNormerLLM is what its definition says, in pieces of any size.
func TestTransNormer(t *testing.T) {
	const heads, headDim = 3, 10
	dir := transNormerWith(t, heads, headDim, 37, 97)
	ids := longText(70)
	ckpt, err := weights.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer ckpt.Close()
	want := (&plainTransNormer{t, ckpt, heads, headDim}).logits(ids, 3)
	for _, b := range testkit.Backends(t) {
		m := load(t, b, dir, declared(t, dir), Options{})
		for _, chunk := range []int{70, 1, 7, 64} {
			if e := largestError(allLogits(t, m, b, ids, chunk), want); !(e <= 1e-5*size(want)) {
				t.Errorf("%s in chunks of %d: logits up to %.3g differ by %.3g", b.Name(), chunk, size(want), e)
			}
		}
	}
}

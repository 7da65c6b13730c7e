package trace

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// needle is the block of the sample that holds the pass key.
const needle = 2041

// sample is a trace as a model would leave it: 4 layers, 4,000 blocks, a pass key that most look-ups find, and each
// layer keeping on the device what it looked up.
func sample() *Trace {
	random := rand.New(rand.NewPCG(1, 2))
	t := &Trace{
		Version: Version, Model: "tiny", Memory: "infllm: 16 blocks a layer for each token, 256 tokens near, 16 at the start",
		Layers: 4, BlockSize: 16, TokensRead: 65536, Blocks: 4000,
		Prompt: "What is the pass key? The pass key is", Answer: " 29141.", Texts: map[int]Block{},
	}
	near := []int{300, 900, 2600, 3100} // where each layer looks, away from the pass key
	for i, token := range []string{" 2", "9", "1", "4", "1", "."} {
		step := Step{Position: t.TokensRead + i, Token: token, ID: int32(270 + i)}
		for layer := range t.Layers {
			near[layer] = (near[layer] + 700*(random.IntN(4)/3)) % (t.Blocks - 20)
			l := LayerStep{LookedUp: []int{}, Fetched: []int{}}
			for _, block := range look(random, layer, near[layer], t.Blocks) {
				l.LookedUp = append(l.LookedUp, block)
				if !t.kept(block, layer) {
					l.Fetched = append(l.Fetched, block)
				}
				t.Texts[block] = Block{16 + 16*block, 32 + 16*block, prose(random, block)}
			}
			step.Layers = append(step.Layers, l)
		}
		t.Steps = append(t.Steps, step)
	}
	return t
}

// look is what a layer looks up for a token: a neighbourhood, some of the pass key's, and others anywhere.
func look(random *rand.Rand, layer, near, blocks int) []int {
	var all []int
	for range 6 {
		all = append(all, near+random.IntN(12))
	}
	for range 4 {
		all = append(all, random.IntN(blocks))
	}
	if layer > 0 || random.IntN(2) == 0 {
		all = append(all, needle, needle+1)
	}
	if layer > 1 {
		all = append(all, needle-1, needle+random.IntN(40))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// kept says whether an earlier token had looked a block up in the layer.
func (t *Trace) kept(block, layer int) bool {
	for _, step := range t.Steps {
		if slices.Contains(step.Layers[layer].LookedUp, block) {
			return true
		}
	}
	return false
}

// prose is a text of about 16 tokens.
func prose(random *rand.Rand, block int) string {
	if block == needle {
		return "the wall. The pass key is 29141. Remember it. 29141 is the pass key. The "
	}
	words := strings.Fields("the grass is green sky blue sun yellow here we go there and back again old harbour lay quiet under a pale moon")
	var text []string
	for range 14 {
		text = append(text, words[random.IntN(len(words))])
	}
	if block%17 == 0 {
		return fmt.Sprintf("“%s”\n\n— %s", strings.Join(text[:5], " "), strings.Join(text[5:], " "))
	}
	return strings.Join(text, " ") + ". "
}

package lrun

import (
	"slices"
	"strings"

	"github.com/lrun/lrun/memory"
	"github.com/lrun/lrun/trace"
)

// look keeps what the last step looked up, where that is traced.
func (g *generation) look() {
	if g.o.trace != nil {
		g.looks = append(g.looks, slices.Clone(g.s.seq.Looks()))
	}
}

// traced fills the trace that was asked for.
func (g *generation) traced() {
	s, t := g.s, g.o.trace
	g.s.seq.Trace(false)
	policy, _ := s.m.policy.(memory.InfLLM)
	*t = trace.Trace{
		Version: trace.Version, Model: s.m.info.Name, Memory: s.m.policy.String(), Layers: s.m.info.Layers, BlockSize: max(1, policy.BlockSize),
		TokensRead: len(s.ids), Blocks: s.seq.Blocks(), Texts: map[int]trace.Block{},
	}
	before := len(s.ids) - len(g.tokens)
	t.Prompt = g.decoded(max(0, before-g.result.PromptTokens), before)
	if runes := []rune(t.Prompt); len(runes) > mostPrompt {
		t.Prompt = "…" + string(runes[len(runes)-mostPrompt:])
	}
	var answer strings.Builder
	for i, token := range g.tokens[:min(len(g.tokens), len(g.looks))] {
		answer.WriteString(token.Text)
		step := trace.Step{Position: before + i, Token: token.Text, ID: token.ID}
		for _, l := range g.looks[i] {
			step.Layers = append(step.Layers, trace.LayerStep{LookedUp: l.Blocks, Fetched: l.Fetched})
			for _, b := range l.Blocks {
				from := policy.NInit + b*policy.BlockSize
				t.Texts[b] = trace.Block{From: from, To: from + policy.BlockSize, Text: g.decoded(from, from+policy.BlockSize)}
			}
		}
		t.Steps = append(t.Steps, step)
	}
	t.Answer = answer.String()
}

// mostPrompt is how many characters of a prompt a trace shows, the last ones.
const mostPrompt = 300

// decoded is the text of some of the session's tokens, "" without a tokenizer.
func (g *generation) decoded(from, to int) string {
	if g.s.m.tokenizer == nil || to > len(g.s.ids) {
		return ""
	}
	return g.s.m.tokenizer.Decode(g.s.ids[from:to], true)
}

package model

import (
	"github.com/lrun/lrun/backend"
)

// network is a Spec with its weights on a backend.
type network struct {
	spec      *Spec
	tokens    *backend.Matrix // [vocab][width]
	positions *backend.Matrix
	projectIn *backend.Matrix
	embedNorm *backend.Norm
	layers    []layer
	norm      *backend.Norm // after the last layer, or nil
	project   *backend.Matrix
	head      *backend.Matrix // [vocab][width]; nil: tokens
	headBias  backend.Tensor
}

// layer is one block.
type layer struct {
	spec          *Layer
	attention     attention
	mixer         mixer // nil: attention
	side          *side // nil: none
	mlp           mlp
	attentionNorm *backend.Norm // nil: none, or attention has it
	mlpNorm       *backend.Norm // nil: none, or the MLP has it
	attentionPost *backend.Norm
	mlpPost       *backend.Norm
}

// newNetwork plans the network's tensors with the loader.
func newNetwork(s *Spec, l *loader) *network {
	n := &network{spec: s, layers: make([]layer, len(s.Layers))}
	e := &s.Embedding
	l.matrix(&n.tokens, linear(e.Tokens, s.Vocab, e.Width), 1)
	if e.Positions != "" {
		l.exact(&n.positions, linear(e.Positions, s.Context+e.PosOffset, s.Dim), 1)
	}
	if e.Project != "" {
		l.matrix(&n.projectIn, linear(e.Project, s.Dim, e.Width), 1)
	}
	n.embedNorm = l.norm(e.Norm, s.Dim)
	for i := range n.layers {
		n.layers[i].plan(&s.Layers[i], s.Dim, l)
	}
	n.inline()
	n.norm = l.norm(s.Norm, s.Dim)
	if s.Head.Project != "" {
		l.matrix(&n.project, linear(s.Head.Project, e.Width, s.Dim), 1)
	}
	head := linear(s.Head.Name, s.Vocab, e.Width).biased(s.Head.Bias)
	if !s.Head.Tied {
		l.matrix(&n.head, head, 1)
	}
	l.bias(&n.headBias, head)
	return n
}

func (y *layer) plan(s *Layer, dim int, l *loader) {
	y.spec = s
	y.attentionNorm = l.norm(s.AttentionNorm, dim)
	if s.Side != nil {
		y.side = s.Side.plan(dim, l)
	}
	if s.Attention.Heads > 0 {
		y.attention.plan(&s.Attention, l)
	}
	if s.Mixer != nil {
		y.mixer = s.Mixer.plan(l)
	}
	y.attentionPost = l.norm(s.AttentionPostNorm, dim)
	y.mlpNorm = l.norm(s.MLPNorm, dim)
	y.mlp.plan(&s.MLP, l)
	y.mlpPost = l.norm(s.MLPPostNorm, dim)
}

// inline leaves additions to the sub-layers' last products, where nothing stands between, and norms to their first ones, where
// no addition is left that would take the norm with it.
func (n *network) inline() {
	added := true
	for i := range n.layers {
		y := &n.layers[i]
		s := y.spec
		if y.side != nil || s.Parallel || s.NormAfterwards || s.AddToNormed {
			added = false
			continue
		}
		if y.mixer == nil && y.attention.adapter == nil && y.attentionPost == nil && s.scale() == 1 {
			if y.attention.inline = true; added {
				y.attention.norm, y.attentionNorm = y.attentionNorm, nil
			}
		}
		added = y.attention.inline
		if y.mlp.none() {
			continue
		}
		if s.MLP.Experts == nil && y.mlp.adapter == nil && y.mlpPost == nil && s.mlpScale() == 1 {
			if y.mlp.inline = true; added {
				y.mlp.norm, y.mlpNorm = y.mlpNorm, nil
			}
		}
		added = y.mlp.inline
	}
}

// embed makes the residual stream of the step's tokens in s.x.
func (n *network) embed(o backend.Ops, s *scratch, in *step) {
	a := backend.Embed{Table: n.tokens, IDs: in.ids, Scale: n.spec.Embedding.Scale}
	if a.Scale == 0 {
		a.Scale = 1
	}
	if n.projectIn != nil {
		n.embedProjected(o, s, in, a)
	} else {
		a.Positions, a.Pos = n.positions, in.cols(s.pos)
		o.Embed(in.rows(s.x), a)
	}
	if n.embedNorm != nil {
		o.Norm(in.rows(s.h), in.rows(s.x), *n.embedNorm)
		s.x, s.h = s.h, s.x
	}
}

// embedProjected is embed with a table of another width than the residual stream.
func (n *network) embedProjected(o backend.Ops, s *scratch, in *step, a backend.Embed) {
	x := in.rows(s.x)
	o.Embed(in.rows(s.narrow), a)
	if n.positions == nil {
		o.Linear(x, in.rows(s.narrow), n.projectIn, backend.Linear{})
		return
	}
	// A lookup of the positions alone, as a table by position, to which the projection is added.
	o.Embed(x, backend.Embed{Table: n.positions, IDs: in.cols(s.pos), Scale: 1})
	o.Linear(x, in.rows(s.narrow), n.projectIn, backend.Linear{Add: true})
}

// enter makes the first layer's input.
func (n *network) enter(o backend.Ops, s *scratch, in *step) {
	n.embed(o, s, in)
	if !s.embedded.IsNone() {
		o.Embed(in.rows(s.embedded), backend.Embed{Table: n.tokens, IDs: in.ids, Scale: 1})
	}
	first := n.layers[0].before()
	if in.normed = first != nil; in.normed {
		o.Norm(in.rows(s.h), in.rows(s.x), *first)
	}
}

// ask is the first half of layer i, until it is known what its queries look up.
func (n *network) ask(o backend.Ops, s *scratch, in *step, i int) {
	switch y := &n.layers[i]; {
	case y.side != nil:
		y.attention.ask(o, s, in, i, y.side.enter(o, s, in))
	case y.mixer == nil:
		y.attention.ask(o, s, in, i, s.stream(in, in.normed))
	}
}

// answer is the rest of layer i, with the next one's norm.
func (n *network) answer(o backend.Ops, s *scratch, in *step, i int) {
	next := n.norm
	if i+1 < len(n.layers) {
		next = n.layers[i+1].before()
	}
	in.normed = n.layers[i].answer(o, s, in, i, in.normed, next)
}

// before is the norm that the layer's input goes through, or nil.
func (y *layer) before() *backend.Norm {
	if y.spec.NormAfterwards || y.side != nil {
		return nil
	}
	return y.attentionNorm
}

// answer is a block from its attention on. normed says whether s.h holds the normed input; the result says the same of the
// next block, whose norm is next.
func (y *layer) answer(o backend.Ops, s *scratch, in *step, i int, normed bool, next *backend.Norm) bool {
	h := s.stream(in, normed)
	if y.attention.spec != nil {
		y.attention.answer(o, s, in, i)
	}
	if y.side != nil {
		h = y.side.answer(o, s, in, &y.mlp, y.attentionNorm)
	}
	if y.mixer != nil {
		y.mixer.run(o, in.passage(s, i), in.rows(s.y), h)
	}
	switch {
	case y.side != nil:
		return y.add(o, s, in, y.spec.scale(), nil, next)
	case y.spec.Parallel:
		if y.mlpNorm != nil {
			h = in.rows(s.h2)
			o.Norm(h, in.rows(s.x), *y.mlpNorm)
		}
		y.mlp.run(o, s, in, h, true)
		return y.add(o, s, in, y.spec.scale(), nil, next)
	case y.spec.NormAfterwards:
		y.addAndNorm(o, s, in, y.attentionNorm)
		y.mlp.run(o, s, in, in.rows(s.x), false)
		y.addAndNorm(o, s, in, y.mlpNorm)
		return false
	}
	y.restream(s, normed)
	if y.mlp.none() {
		return y.end(o, s, in, y.attention.inline, y.spec.scale(), y.attentionPost, next)
	}
	normed = y.end(o, s, in, y.attention.inline, y.spec.scale(), y.attentionPost, y.mlpNorm)
	y.mlp.run(o, s, in, s.stream(in, normed), false)
	y.restream(s, normed)
	return y.end(o, s, in, y.mlp.inline, y.spec.mlpScale(), y.mlpPost, next)
}

// end is add, of which a sub-layer that is inline has left the norm.
func (y *layer) end(o backend.Ops, s *scratch, in *step, inline bool, scale float32, post, pre *backend.Norm) bool {
	if !inline {
		return y.add(o, s, in, scale, post, pre)
	}
	if pre != nil {
		o.Norm(in.rows(s.h), in.rows(s.x), *pre)
	}
	return pre != nil
}

// restream makes the norm's output the residual stream, where the layer says so.
func (y *layer) restream(s *scratch, normed bool) {
	if y.spec.AddToNormed && normed {
		s.x, s.h = s.h, s.x
	}
}

// add ends a sub-layer: x += scale·post(y), and h = pre(x) for the next, and reports whether there is an h.
func (y *layer) add(o backend.Ops, s *scratch, in *step, scale float32, post, pre *backend.Norm) bool {
	a := backend.Residual{Scale: scale, Post: post, Pre: pre}
	if pre != nil {
		a.Dst = in.rows(s.h)
	}
	o.Residual(in.rows(s.x), in.rows(s.y), a)
	return pre != nil
}

// addAndNorm ends a sub-layer whose norm comes afterwards: x ← norm(x + y).
func (y *layer) addAndNorm(o backend.Ops, s *scratch, in *step, norm *backend.Norm) {
	y.add(o, s, in, y.spec.scale(), nil, norm)
	s.x, s.h = s.h, s.x
}

// logits are the head's, of rows of the network's output h, in dst.
func (n *network) logits(o backend.Ops, s *scratch, dst, h backend.Tensor) {
	if n.project != nil {
		narrow := s.narrow.Slice(0, h.Rows)
		o.Linear(narrow, h, n.project, backend.Linear{})
		h = narrow
	}
	head := n.head
	if head == nil {
		head = n.tokens
	}
	o.Linear(dst, h, head, backend.Linear{Bias: n.headBias, Scale: n.spec.Head.Scale, SoftCap: n.spec.Head.SoftCap})
}

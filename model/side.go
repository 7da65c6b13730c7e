package model

import "github.com/lrun/lrun/backend"

// Side declares that a layer's attention and MLP stand beside the residual stream (Zamba2, arXiv 2411.15242): attention reads
// the stream and the embeddings together, and what the MLP makes is added to what the mixer reads, but not to the stream.
type Side struct {
	Norm    Norm   // before attention, on the stream and the embeddings [2·dim]
	MLPNorm Norm   // between attention and the MLP
	Out     Weight // after the MLP
}

// Adapter declares a correction of a layer's own to a weight that it shares with others: W·x + Up·Down·x. Where the weight
// is Blocks weights one below the other, so are both.
type Adapter struct {
	Down, Up Weight
	Blocks   int
}

// side is a Side with its weights.
type side struct {
	norm, mlpNorm *backend.Norm
	out           *backend.Matrix
}

// adapter is an Adapter with its weights; nil where there is none.
type adapter struct {
	down, up *backend.Matrix
	blocks   int
}

func (a *Side) plan(dim int, l *loader) *side {
	s := &side{norm: l.norm(a.Norm, 2*dim), mlpNorm: l.norm(a.MLPNorm, dim)}
	l.matrix(&s.out, a.Out, 1)
	return s
}

func (a *Adapter) plan(l *loader) *adapter {
	if a == nil {
		return nil
	}
	p := &adapter{blocks: a.Blocks}
	l.matrix(&p.down, a.Down, 1)
	l.matrix(&p.up, a.Up, a.Up.Rows()/a.Blocks)
	return p
}

// add adds the correction of h to y.
func (a *adapter) add(o backend.Ops, s *scratch, in *step, y, h backend.Tensor) {
	if a == nil {
		return
	}
	low := in.rows(s.low[a.down.Rows])
	o.Linear(low, h, a.down, backend.Linear{})
	o.Linear(y, low, a.up, backend.Linear{Blocks: a.blocks, Add: true})
}

// enter is what attention reads.
func (e *side) enter(o backend.Ops, s *scratch, in *step) backend.Tensor {
	o.Join(in.rows(s.joined), in.rows(s.x), in.rows(s.embedded))
	o.Norm(in.rows(s.joinedNormed), in.rows(s.joined), *e.norm)
	return in.rows(s.joinedNormed)
}

// answer goes on from attention in s.y to what the mixer reads, in s.h, normed as it wants it.
func (e *side) answer(o backend.Ops, s *scratch, in *step, m *mlp, norm *backend.Norm) backend.Tensor {
	h := in.rows(s.h2)
	o.Norm(h, in.rows(s.y), *e.mlpNorm)
	m.run(o, s, in, h, false)
	o.Linear(h, in.rows(s.y), e.out, backend.Linear{})
	o.Residual(h, in.rows(s.x), backend.Residual{Scale: 1, Dst: in.rows(s.h), Pre: norm})
	return in.rows(s.h)
}

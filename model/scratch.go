package model

import (
	"maps"
	"slices"

	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/memory"
	"github.com/lrun/lrun/positional"
)

// scratch are the tensors that every step of a model uses, sized once for the largest chunk. Layers of one shape share
// theirs; steps run one after another, so sequences do too.
type scratch struct {
	b       backend.Backend
	release []func()
	err     error

	ids, pos, slots backend.Tensor         // u32 [1][chunk]; pos is the row of the position table
	rawFrom         backend.Tensor         // u32 [1][chunk]: slots of keys that get a raw copy
	rawSlots        backend.Tensor         // u32 [1][chunk]: slots of raw copies
	wanted          backend.Tensor         // u32 [1][chunk]: rows whose logits are wanted
	turned          backend.Tensor         // u32 [1][turnedChunks·chunk]: slots of keys that are turned anew
	ropes           []*rotary              // the network's distinct ones
	x, h, h2, y     backend.Tensor         // [chunk][dim]
	narrow          backend.Tensor         // [chunk][embedding width], where that is not dim
	qkv             []backend.Tensor       // a layer: [chunk][(heads + 2·kvHeads)·headDim]
	q               []backend.Tensor       // a layer: [sets·chunk][heads·Pad4(headDim)]
	attended        []backend.Tensor       // a layer: [chunk][heads·headDim]
	mixing          [][]backend.Tensor     // a layer: what its mixer fills, [chunk][widths]
	act             map[int]backend.Tensor // by width: [chunk][hidden]
	low, gateUp     map[int]backend.Tensor // by width: [chunk][…] for adapters
	embedded        backend.Tensor         // [chunk][dim]: the embeddings, where a layer reads them; else none
	joined          backend.Tensor         // [chunk][2·dim]: the stream and the embeddings
	joinedNormed    backend.Tensor
	expertAct       map[int]backend.Tensor // by width: [chunk·topK][hidden]
	routes          map[int]backend.Tensor // by the router's rows
	logits          backend.Tensor         // [logitRows][vocab]

	sights   []sight
	views    []map[sight]*backend.View // of each text of a step
	middle   backend.View              // the keys of a look-up
	lookup   memory.Recall             // what long texts look up; K 0: nothing
	recall   memory.Recall             // what this step does
	recalled backend.Tensor            // u32 [1][mostRecalled]: slots for what is looked up
	lookups  *lookups
	step     step
	passage  passage
	words    []uint32 // host side of what is written to a step's u32 tensors
}

// sight is what layers that see the same tokens have in common.
type sight struct {
	window  int
	recalls bool
}

// sight is that of layer i.
func (c *scratch) sight(i int, a *Attention) sight {
	return sight{a.Window, a.Window == 0 && c.lookup.K > 0 && i >= c.lookup.Layer}
}

// step are the chunks of one or several texts on their way through the network.
type step struct {
	n     int            // tokens of all texts
	ids   backend.Tensor // u32 [1][n]
	pool  *memory.Pool
	texts []text
	seq   *Sequence // of the first text; where there is something to look up, it is the only one
	sets  int       // of queries, turned differently
	raw   int       // how many of the tokens get a raw copy of their keys

	recall  memory.Recall  // keys that are looked up
	fresh   int            // blocks that need representatives
	weighed int            // the layers before this one have added up attention already
	missed  backend.Tensor // not 0 once a layer missed a block, where that is not waited for; or none

	normed bool // s.h holds the normed input of the layer at hand, not s.x
}

// queries are those of layer i, of all sets.
func (in *step) queries(s *scratch, i int) backend.Tensor { return s.q[i].Slice(0, in.sets*in.n) }

// queriesOf are a text's of layer i, with what lies between its sets; see backend.Attend.SetRows.
func (in *step) queriesOf(s *scratch, i int, t *text) backend.Tensor {
	return s.q[i].Slice(t.first, (in.sets-1)*in.n+t.n)
}

// blocks are a rope's angles in the step: of the keys, of the queries where they turn otherwise, of each further set.
func (in *step) blocks(r *rotary) backend.Tensor {
	n := in.sets
	if r.Apart() {
		n++
	}
	return r.angles.Slice(0, n*in.n)
}

// rows is the tensor cut to the step's tokens.
func (in *step) rows(t backend.Tensor) backend.Tensor { return t.Slice(0, in.n) }

// cols is a one-row tensor cut to the step's tokens.
func (in *step) cols(t backend.Tensor) backend.Tensor { return cut(t, in.n) }

// cut is a one-row tensor cut to n columns.
func cut(t backend.Tensor, n int) backend.Tensor {
	t.Cols = n
	return t
}

// rotary is what a step uploads for a rope.
func (c *scratch) rotary(r *positional.Rope) *rotary {
	for _, t := range c.ropes {
		if t.Rope == r {
			return t
		}
	}
	return nil
}

// stream is what a sub-layer reads: the normed residual stream, or the stream itself where no norm comes before.
func (c *scratch) stream(in *step, normed bool) backend.Tensor {
	if normed {
		return in.rows(c.h)
	}
	return in.rows(c.x)
}

// newScratch makes the tensors for chunks of chunk tokens, whose logits come in blocks of logitRows rows, and which see
// what the policy says.
func newScratch(b backend.Backend, s *Spec, chunk, logitRows int, p memory.Policy) (*scratch, error) {
	sets := mostSets(p)
	c := &scratch{
		b: b, low: map[int]backend.Tensor{}, gateUp: map[int]backend.Tensor{}, act: map[int]backend.Tensor{}, expertAct: map[int]backend.Tensor{}, routes: map[int]backend.Tensor{},
		lookup: p.Recall(positional.Endless),
	}
	c.recalled = c.tensor(1, max(1, c.lookup.K))
	for _, t := range []*backend.Tensor{&c.ids, &c.pos, &c.slots, &c.rawFrom, &c.rawSlots, &c.wanted} {
		*t = c.tensor(1, chunk)
	}
	c.turned = c.tensor(1, turnedChunks*chunk)
	for _, r := range s.Ropes() {
		c.ropes = append(c.ropes, c.newRotary(r, chunk, sets))
	}
	c.x, c.h, c.h2, c.y = c.tensor(chunk, s.Dim), c.tensor(chunk, s.Dim), c.tensor(chunk, s.Dim), c.tensor(chunk, s.Dim)
	if s.Embedding.Width != s.Dim {
		c.narrow = c.tensor(chunk, s.Embedding.Width)
	}
	c.logits = c.tensor(logitRows, s.Vocab)
	shared := map[[2]int]backend.Tensor{}
	for i := range s.Layers {
		a := &s.Layers[i].Attention
		c.qkv = append(c.qkv, c.once(shared, 0, chunk, (a.Heads+2*a.KVHeads)*a.HeadDim))
		c.q = append(c.q, c.once(shared, 1, sets*chunk, a.Heads*backend.Pad4(a.HeadDim)))
		c.attended = append(c.attended, c.once(shared, 2, chunk, a.Heads*(a.HeadDim+1)))
		if at := c.sight(i, a); a.Heads > 0 && !slices.Contains(c.sights, at) {
			c.sights = append(c.sights, at)
		}
		c.mixing = append(c.mixing, nil)
		if x := s.Layers[i].Mixer; x != nil {
			for n, width := range x.widths() {
				c.mixing[i] = append(c.mixing[i], c.once(shared, 3+n, chunk, width))
			}
		}
		c.mlp(&s.Layers[i].MLP, chunk)
		c.side(&s.Layers[i], s.Dim, chunk)
	}
	c.lookups = newLookups(c, len(s.Layers), p, chunk)
	if c.err != nil {
		c.free()
		return nil, c.err
	}
	return c, nil
}

// mostSets is how many sets of queries a step has at most.
func mostSets(p memory.Policy) int {
	if p.Recall(positional.Endless).K > 0 {
		return 3
	}
	return p.Sets(positional.Endless)
}

// mlp makes what a layer's MLP needs.
func (c *scratch) mlp(m *MLP, chunk int) {
	if m.Down.Parts != nil && c.act[m.Down.Cols].IsNone() {
		c.act[m.Down.Cols] = c.tensor(chunk, m.Down.Cols)
	}
	e := m.Experts
	if e == nil {
		return
	}
	if c.expertAct[e.Down.Cols].IsNone() {
		c.expertAct[e.Down.Cols] = c.tensor(chunk*e.TopK, e.Down.Cols)
	}
	rows := e.Router.Rows()
	if c.routes[rows].IsNone() {
		c.routes[rows] = c.tensor(chunk, 2*e.TopK+rows-e.Count)
	}
}

// side makes what a layer with a block beside the stream needs.
func (c *scratch) side(l *Layer, dim, chunk int) {
	if l.Side != nil && c.embedded.IsNone() {
		c.embedded, c.joined, c.joinedNormed = c.tensor(chunk, dim), c.tensor(chunk, 2*dim), c.tensor(chunk, 2*dim)
	}
	for _, a := range []*Adapter{l.Attention.Adapter, l.MLP.Adapter} {
		if a != nil && c.low[a.Down.Rows()].IsNone() {
			c.low[a.Down.Rows()] = c.tensor(chunk, a.Down.Rows())
		}
	}
	if width := l.MLP.GateUp.Rows(); l.MLP.Adapter != nil && c.gateUp[width].IsNone() {
		c.gateUp[width] = c.tensor(chunk, width)
	}
}

// once makes a tensor of a role and width, or returns the one that is there; without columns there is none.
func (c *scratch) once(made map[[2]int]backend.Tensor, role, rows, cols int) backend.Tensor {
	if cols == 0 {
		return backend.Tensor{}
	}
	key := [2]int{role, cols}
	if made[key].IsNone() {
		made[key] = c.tensor(rows, cols)
	}
	return made[key]
}

// tensor makes a tensor; the first error is kept.
func (c *scratch) tensor(rows, cols int) backend.Tensor {
	if c.err != nil {
		return backend.Tensor{}
	}
	t, err := c.b.NewTensor(rows, cols)
	if err != nil {
		c.err = err
		return t
	}
	c.release = append(c.release, t.Buf.Release)
	return t
}

// viewsOf are the views of text number k of a step.
func (c *scratch) viewsOf(k int) map[sight]*backend.View {
	for len(c.views) <= k {
		views := map[sight]*backend.View{}
		for _, at := range c.sights {
			views[at] = &backend.View{}
		}
		c.views = append(c.views, views)
	}
	return c.views[k]
}

// room makes the view's table large enough for what it holds, with room to grow.
func (c *scratch) room(v *backend.View) error {
	if v.Table.Cols >= v.Words() {
		return nil
	}
	t, err := c.b.NewTensor(1, 2*v.Words())
	if err != nil {
		return err
	}
	if !v.Table.IsNone() {
		v.Table.Buf.Release()
	}
	v.Table = t
	return nil
}

// free gives all memory back.
func (c *scratch) free() {
	for _, r := range c.release {
		r()
	}
	all := append(c.lookups.tables(), &c.middle)
	for _, views := range c.views {
		all = slices.AppendSeq(all, maps.Values(views))
	}
	for _, v := range all {
		if !v.Table.IsNone() {
			v.Table.Buf.Release()
		}
	}
}

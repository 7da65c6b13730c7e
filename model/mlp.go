package model

import "github.com/lrun/lrun/backend"

// mlp is a layer's feed-forward network with its weights.
type mlp struct {
	spec                   *MLP
	gateUp, up, down       *backend.Matrix
	upBias, downBias       backend.Tensor // of gateUp or up, and of down
	adapter                *adapter
	router, eGateUp, eDown *backend.Matrix
	inline                 bool          // the result goes straight into the residual stream
	norm                   *backend.Norm // of the input, or nil
}

func (m *mlp) plan(s *MLP, l *loader) {
	m.spec = s
	m.adapter = s.Adapter.plan(l)
	if s.GateUp.Parts != nil {
		l.matrix(&m.gateUp, s.GateUp, 2)
		l.bias(&m.upBias, s.GateUp)
	}
	if s.Up.Parts != nil {
		l.matrix(&m.up, s.Up, 1)
		l.bias(&m.upBias, s.Up)
	}
	if s.Down.Parts != nil {
		l.matrix(&m.down, s.Down, 1)
		l.bias(&m.downBias, s.Down)
	}
	if e := s.Experts; e != nil {
		l.exact(&m.router, e.Router, e.Router.Rows())
		l.matrix(&m.eGateUp, e.GateUp, e.GateUp.Rows()/e.Count)
		l.matrix(&m.eDown, e.Down, e.Down.Rows()/e.Count)
	}
}

// none reports whether the layer has no MLP.
func (m *mlp) none() bool { return m.spec.Down.Parts == nil && m.spec.Experts == nil }

// run is the MLP of h, into s.y or added to it, or added to s.x.
func (m *mlp) run(o backend.Ops, s *scratch, in *step, h backend.Tensor, add bool) {
	down := backend.Linear{Bias: m.downBias, Add: add || m.inline}
	if m.spec.Experts != nil {
		down.Gate = m.experts(o, s, in, h)
		down.Add = true
	}
	if m.down == nil {
		return
	}
	act := in.rows(s.act[m.down.Cols])
	switch {
	case m.adapter != nil:
		both := in.rows(s.gateUp[m.gateUp.Rows])
		o.Linear(both, h, m.gateUp, backend.Linear{Bias: m.upBias})
		m.adapter.add(o, s, in, both, h)
		o.Gate(act, both, m.spec.Act)
	case m.gateUp != nil:
		o.GateUp(act, h, m.gateUp, backend.GateUp{Norm: m.norm, Bias: m.upBias, Act: m.spec.Act})
	default:
		o.Linear(act, h, m.up, backend.Linear{Norm: m.norm, Bias: m.upBias, Act: m.spec.Act})
	}
	dst := s.y
	if m.inline {
		dst = s.x
	}
	o.Linear(in.rows(dst), act, m.down, down)
}

// experts runs the chosen experts into s.y, and returns the routes, whose last column is the gate of a shared expert.
func (m *mlp) experts(o backend.Ops, s *scratch, in *step, h backend.Tensor) backend.Tensor {
	e := m.spec.Experts
	routes := in.rows(s.routes[m.router.Rows])
	o.Route(routes, h, m.router, backend.Route{Experts: e.Count, TopK: e.TopK, Normalise: e.Normalise})
	args := backend.Experts{Experts: e.Count, TopK: e.TopK, Act: m.spec.Act}
	act := s.expertAct[m.eDown.Cols].Slice(0, in.n*e.TopK)
	o.ExpertGateUp(act, h, routes, m.eGateUp, args)
	o.ExpertDown(in.rows(s.y), act, routes, m.eDown, args)
	return routes
}

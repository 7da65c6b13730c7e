package backend

import "fmt"

// The Check methods say what is wrong with the shapes of an operation's operands, or nil. Every backend calls them before
// it touches memory, so that both refuse the same things in the same words.

// claim is something that must hold of an operand, kept unformatted since it nearly always does.
type claim struct {
	ok         bool
	what       string
	got        string // "" or the matrix type
	rows, cols int    // what there is
	wantRows   int
	wantCols   int
}

// first is the error of the first claim that does not hold.
func first(op string, dst Tensor, claims ...claim) error {
	for i := range claims {
		if c := &claims[i]; !c.ok {
			return fmt.Errorf("%s to %s: %s is %s[%d][%d], want [%d][%d]",
				op, dst, c.what, c.got, c.rows, c.cols, c.wantRows, c.wantCols)
		}
	}
	return nil
}

// sized claims that t is [rows][cols].
func sized(name string, t Tensor, rows, cols int) claim {
	return claim{!t.IsNone() && t.Rows == rows && t.Cols == cols, name, "", t.Rows, t.Cols, rows, cols}
}

// vector claims that v is absent or holds n elements in one row.
func vector(name string, v Tensor, n int) claim {
	c := sized(name, v, 1, n)
	c.ok = c.ok || v.IsNone()
	return c
}

// matrix claims that m is [rows][cols].
func matrix(name string, m *Matrix, rows, cols int) claim {
	if m == nil {
		return claim{what: name, got: "none", wantRows: rows, wantCols: cols}
	}
	return claim{m.Rows == rows && m.Cols == cols, name, m.DType.String(), m.Rows, m.Cols, rows, cols}
}

// Check checks the operands of Ops.Embed.
func (a Embed) Check(dst Tensor) error {
	if a.Table == nil {
		return fmt.Errorf("embed to %s: no table", dst)
	}
	if a.Positions == nil {
		return first("embed", dst, sized("ids", a.IDs, 1, dst.Rows), matrix("table", a.Table, a.Table.Rows, dst.Cols))
	}
	return first("embed", dst, sized("ids", a.IDs, 1, dst.Rows), matrix("table", a.Table, a.Table.Rows, dst.Cols),
		sized("pos", a.Pos, 1, dst.Rows), matrix("positions", a.Positions, a.Positions.Rows, dst.Cols))
}

// Check checks the operands of Ops.Norm.
func (n Norm) Check(dst, x Tensor) error {
	return first("norm", dst, sized("x", x, dst.Rows, dst.Cols),
		vector("weight", n.Weight, dst.Cols), vector("bias", n.Bias, dst.Cols))
}

// Check checks the operands of Ops.Residual.
func (a Residual) Check(x, y Tensor) error {
	if err := first("residual", x, sized("y", y, x.Rows, x.Cols)); err != nil {
		return err
	}
	if a.Post != nil {
		if err := a.Post.Check(y, y); err != nil {
			return err
		}
	}
	if a.Dst.IsNone() {
		return nil
	}
	if a.Pre == nil {
		return fmt.Errorf("residual to %s: no norm for the destination", x)
	}
	return a.Pre.Check(a.Dst, x)
}

// Check checks the operands of Ops.Linear.
func (a Linear) Check(dst, x Tensor, w *Matrix) error {
	gate := sized("gate", a.Gate, dst.Rows, a.Gate.Cols)
	gate.ok = gate.ok || a.Gate.IsNone()
	blocks := max(a.Blocks, 1)
	err := first("linear", dst, sized("x", x, dst.Rows, x.Cols), matrix("weight", w, dst.Cols, x.Cols/blocks),
		vector("bias", a.Bias, dst.Cols), gate)
	if err == nil && a.Norm != nil {
		err = a.Norm.Check(x, x)
	}
	if err != nil || blocks == 1 {
		return err
	}
	rows := w.Rows / blocks
	if x.Cols%blocks != 0 || w.Rows%blocks != 0 || rows%4 != 0 || w.Cols%4 != 0 {
		return fmt.Errorf("linear to %s: %d blocks of %s, not of a multiple of 4 rows and 4 columns each", dst, blocks, w)
	}
	for _, part := range w.Parts {
		if part.First%rows != 0 {
			return fmt.Errorf("linear to %s: a part of %s begins at row %d, inside a block of %d", dst, w, part.First, rows)
		}
	}
	return nil
}

// Check checks the operands of Ops.GateUp.
func (a GateUp) Check(dst, x Tensor, w *Matrix) error {
	err := first("gate_up", dst, sized("x", x, dst.Rows, x.Cols), matrix("weight", w, 2*dst.Cols, x.Cols),
		vector("bias", a.Bias, 2*dst.Cols))
	if err == nil && a.Norm != nil {
		err = a.Norm.Check(x, x)
	}
	return err
}

// check claims that the norm's parameters fit heads of headDim, one for all or one each.
func (n *HeadNorm) check(name string, heads, headDim int) claim {
	if n == nil {
		return claim{ok: true}
	}
	width := heads * headDim
	if !n.Weight.IsNone() && n.Weight.Cols == headDim && !n.Whole {
		width = headDim
	}
	if c := vector(name, n.Bias, width); !c.ok {
		return c
	}
	return vector(name, n.Weight, width)
}

// Check checks the operands of Ops.QKVRope.
func (a QKVRope) Check(q, qkv Tensor, kv *KV) error {
	if kv.KVHeads == 0 || a.Heads%kv.KVHeads != 0 {
		return fmt.Errorf("qkv_rope: %d query heads do not divide among %d key heads", a.Heads, kv.KVHeads)
	}
	if a.Rotary < 0 || a.Rotary > kv.HeadDim || a.Rotary%2 != 0 {
		return fmt.Errorf("qkv_rope: cannot rotate %d channels of a head of %d", a.Rotary, kv.HeadDim)
	}
	tokens, sets := qkv.Rows, max(a.Sets, 1)
	blocks := sets
	if a.Apart {
		blocks++
	}
	angles := sized("rope", a.Rope, blocks*tokens, a.Rotary)
	angles.ok = angles.ok || a.Rotary == 0
	return first("qkv_rope", q, sized("qkv", qkv, tokens, (a.Heads+2*kv.KVHeads)*kv.HeadDim),
		sized("q", q, sets*tokens, a.Heads*Pad4(kv.HeadDim)), sized("slots", a.Slots, 1, tokens), angles,
		a.QNorm.check("query norm", a.Heads, kv.HeadDim), a.KNorm.check("key norm", kv.KVHeads, kv.HeadDim))
}

// Check checks the operands of Ops.Rotate.
func (a Rotate) Check(kv *KV) error {
	if a.Rotary < 0 || a.Rotary > kv.HeadDim || a.Rotary%2 != 0 {
		return fmt.Errorf("rotate: cannot rotate %d channels of a head of %d", a.Rotary, kv.HeadDim)
	}
	angles := sized("rope", a.Rope, a.From.Cols, a.Rotary)
	angles.ok = angles.ok || a.Rotary == 0
	return first("rotate", a.To, sized("from", a.From, 1, a.To.Cols), angles)
}

// Check checks the operands of Ops.Recall.
func (a Recall) Check(q Tensor, kv *KV, v View) error {
	if kv.KVHeads == 0 || a.Heads%kv.KVHeads != 0 {
		return fmt.Errorf("recall: %d query heads do not divide among %d key heads", a.Heads, kv.KVHeads)
	}
	if len(v.Segments) != 1 || v.Segments[0].Count < a.To.Cols || a.To.Cols < 1 {
		return fmt.Errorf("recall: %d keys of a view with %d segments", a.To.Cols, len(v.Segments))
	}
	if err := v.check("recall", kv); err != nil {
		return err
	}
	return first("recall", a.To, sized("q", q, 1, a.Heads*Pad4(kv.HeadDim)), v.table())
}

// check finds segments that exceed their pages, and pages that the cache lacks.
func (v View) check(op string, kv *KV) error {
	for i, s := range v.Segments {
		if s.First < 0 || s.Count < 0 || s.First+s.Count > len(s.Pages)*kv.Page {
			return fmt.Errorf("%s: segment %d of %d keys from slot %d exceeds its %d pages", op, i, s.Count, s.First, len(s.Pages))
		}
		for _, p := range s.Pages {
			if int(p) >= kv.Pages {
				return fmt.Errorf("%s: segment %d names page %d of %d", op, i, p, kv.Pages)
			}
		}
	}
	return nil
}

// table claims that there is room for the view's table.
func (v View) table() claim {
	c := sized("the view's table", v.Table, 1, v.Words())
	c.ok = v.Table.Rows == 1 && v.Table.Cols >= v.Words()
	return c
}

// Check checks the operands of Ops.Attend.
func (a Attend) Check(dst, q Tensor, kv *KV, v View) error {
	if kv.KVHeads == 0 || a.Heads%kv.KVHeads != 0 {
		return fmt.Errorf("attend: %d query heads do not divide among %d key heads", a.Heads, kv.KVHeads)
	}
	sets := a.Sets(dst, q)
	for i, s := range v.Segments {
		if s.Query < 0 || s.Query >= sets {
			return fmt.Errorf("attend: segment %d wants set %d of %d sets of queries", i, s.Query, sets)
		}
		if s.Causal && s.Window > 0 && s.Least >= s.Window {
			return fmt.Errorf("attend: segment %d of keys at least %d and less than %d back: there are none", i, s.Least, s.Window)
		}
	}
	if err := v.check("attend", kv); err != nil {
		return err
	}
	return first("attend", dst, sized("dst", dst, dst.Rows, a.Width(kv)),
		sized("q", q, (sets-1)*a.Step(dst)+dst.Rows, a.Heads*Pad4(kv.HeadDim)), vector("slopes", a.Slopes, a.Heads), v.table())
}

// Step is SetRows, or what its 0 stands for.
func (a Attend) Step(dst Tensor) int {
	if a.SetRows == 0 {
		return dst.Rows
	}
	return a.SetRows
}

// Sets is how many sets of queries q has.
func (a Attend) Sets(dst, q Tensor) int { return 1 + (q.Rows-dst.Rows)/max(1, a.Step(dst)) }

// Width is the number of columns of what Attend writes.
func (a Attend) Width(kv *KV) int {
	if a.LogSum {
		return a.Heads * (kv.HeadDim + 1)
	}
	return a.Heads * kv.HeadDim
}

// Check checks the operands of Ops.Mass.
func (a Mass) Check(mass, q, attended Tensor, kv *KV, v View) error {
	if err := a.Attend.Check(attended, q, kv, v); err != nil {
		return err
	}
	if !a.LogSum || a.Segment < 0 || a.Segment >= len(v.Segments) || v.Segments[a.Segment].Query != 0 {
		return fmt.Errorf("mass: of segment %d of a view with %d, seen by query set 0, and with sums of what was attended", a.Segment, len(v.Segments))
	}
	missed := sized("missed", a.Missed, 1, 1)
	missed.ok = missed.ok || a.Missed.IsNone()
	return first("mass", mass, sized("mass", mass, a.Heads, mass.Cols), missed)
}

// Check checks the operands of Ops.Represent.
func (a Represent) Check(reps, kv *KV, mass Tensor) error {
	if reps.DType != F16 || reps.HeadDim != kv.HeadDim || kv.KVHeads == 0 || reps.KVHeads%kv.KVHeads != 0 || a.TopK < 1 {
		return fmt.Errorf("represent: %d of keys of %d heads of %d by %s of %d heads of %d", a.TopK, kv.KVHeads, kv.HeadDim, reps.DType, reps.KVHeads, reps.HeadDim)
	}
	return first("represent", a.Blocks, sized("blocks", a.Blocks, 3, a.Blocks.Cols), sized("mass", mass, reps.KVHeads, mass.Cols))
}

// Check checks the operands of Ops.Lookup.
func (a Lookup) Check(q Tensor, reps, kv *KV, v View) error {
	k := a.Picks.Cols
	if reps.DType != F16 || len(v.Segments) != 2 || k < 1 || v.Segments[0].Count < k || !a.Cached && len(v.Segments[1].Pages) != v.Segments[0].Count {
		return fmt.Errorf("lookup: %d blocks by a view with %d segments and representatives of %s", k, len(v.Segments), reps.DType)
	}
	if a.Cached && a.Missed.IsNone() {
		return fmt.Errorf("lookup: no word for what is missed")
	}
	if a.Segment < 0 || a.Segment >= len(a.View.Segments) || len(a.View.Segments[a.Segment].Pages) != k {
		return fmt.Errorf("lookup: %d blocks for segment %d of a view with %d segments", k, a.Segment, len(a.View.Segments))
	}
	if err := (View{Segments: v.Segments[:1]}).check("lookup", reps); err != nil {
		return err
	}
	target := a.View.table()
	target.what = "the table of the view of blocks"
	return first("lookup", a.Picks, sized("q", q, q.Rows, reps.KVHeads*Pad4(reps.HeadDim)), sized("picks", a.Picks, 1, k), v.table(), target)
}

// Shared reports whether w holds the gate of a shared expert in a last row.
func (a Route) Shared(w *Matrix) bool { return w.Rows == a.Experts+1 }

// Check checks the operands of Ops.Route.
func (a Route) Check(dst, x Tensor, w *Matrix) error {
	cols, rows := 2*a.TopK, a.Experts
	if w != nil && a.Shared(w) {
		cols, rows = cols+1, rows+1
	}
	if a.TopK < 1 || a.TopK > a.Experts {
		return fmt.Errorf("route: cannot choose %d of %d experts", a.TopK, a.Experts)
	}
	return first("route", dst, sized("dst", dst, x.Rows, cols), matrix("weight", w, rows, x.Cols))
}

// CheckGateUp checks the operands of Ops.ExpertGateUp.
func (a Experts) CheckGateUp(dst, x, routes Tensor, w *Matrix) error {
	return first("expert_gate_up", dst, sized("dst", dst, x.Rows*a.TopK, dst.Cols),
		matrix("weight", w, a.Experts*2*dst.Cols, x.Cols), a.routed(routes, x.Rows))
}

// CheckDown checks the operands of Ops.ExpertDown.
func (a Experts) CheckDown(dst, x, routes Tensor, w *Matrix) error {
	return first("expert_down", dst, sized("x", x, dst.Rows*a.TopK, x.Cols),
		matrix("weight", w, a.Experts*dst.Cols, x.Cols), a.routed(routes, dst.Rows))
}

// routed claims that routes holds TopK choices a token.
func (a Experts) routed(routes Tensor, tokens int) claim {
	c := sized("routes", routes, tokens, 2*a.TopK)
	c.ok = !routes.IsNone() && routes.Rows == tokens && routes.Cols >= 2*a.TopK
	return c
}

// CheckLogProb checks the operands of Ops.LogProb.
func CheckLogProb(dst, logits, targets Tensor) error {
	return first("log_prob", dst, sized("dst", dst, logits.Rows, 1), sized("targets", targets, 1, logits.Rows))
}

// Check checks the operands of Ops.Sample.
func (a Sample) Check(dst, logits Tensor) error {
	next := sized("next", a.Next, 1, 1)
	next.ok = a.Next.IsNone() || a.Next.Rows == 1 && a.Next.Cols >= 1
	return first("sample", dst, sized("dst", dst, 1, 2), sized("logits", logits, 1, logits.Cols), next,
		vector("counts", a.Counts, logits.Cols))
}

// CheckJoin checks the operands of Ops.Join.
func CheckJoin(dst, a, b Tensor) error {
	return first("join", dst, sized("a", a, dst.Rows, a.Cols), sized("b", b, dst.Rows, dst.Cols-a.Cols))
}

// CheckGather checks the operands of Ops.Gather.
func CheckGather(dst, x, rows Tensor) error {
	return first("gather", dst, sized("x", x, x.Rows, dst.Cols), sized("rows", rows, 1, dst.Rows))
}

// CheckGate checks the operands of Ops.Gate.
func CheckGate(dst, x Tensor) error { return first("gate", dst, sized("x", x, dst.Rows, 2*dst.Cols)) }

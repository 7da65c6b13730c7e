package backend

import "fmt"

// holds claims that t has rows rows, and cols columns from column first on.
func holds(name string, t Tensor, rows, first, cols int) claim {
	ok := !t.IsNone() && t.Rows == rows && first >= 0 && t.Cols >= first+cols
	return claim{ok, name, "", t.Rows, t.Cols, rows, first + cols}
}

// optional makes a claim hold where the tensor is absent.
func (c claim) optional(t Tensor) claim {
	c.ok = c.ok || t.IsNone()
	return c
}

// states claims that the state before and the one after are [rows][cols].
func states(from, to Tensor, rows, cols int) (claim, claim) {
	return sized("the state before", from, rows, cols), sized("the state after", to, rows, cols)
}

// apart is an error where the state is to be left in the buffer that it is read from.
func apart(op string, from, to Tensor) error {
	if !from.IsNone() && from.Buf == to.Buf {
		return fmt.Errorf("%s: the states before and after %s lie in one buffer", op, from)
	}
	return nil
}

// Check checks the operands of Ops.Conv.
func (a Conv) Check(dst, x Tensor) error {
	if a.Weight.Rows < 2 {
		return fmt.Errorf("conv to %s: a kernel of %d taps; at least 2 are needed", dst, a.Weight.Rows)
	}
	if err := apart("conv", a.From, a.To); err != nil {
		return err
	}
	from, to := states(a.From, a.To, a.Weight.Rows-1, dst.Cols)
	return first("conv", dst, holds("x", x, dst.Rows, a.First, dst.Cols), sized("weight", a.Weight, a.Weight.Rows, dst.Cols),
		vector("bias", a.Bias, dst.Cols), from, to)
}

// States is N, the number of states of a channel.
func (a SelectiveScan) States() int { return a.AD.Rows - 1 }

// Check checks the operands of Ops.SelectiveScan.
func (a SelectiveScan) Check(dst, x Tensor) error {
	if a.States() < 1 {
		return fmt.Errorf("selective_scan to %s: %d rows of A and D; at least 2 are needed", dst, a.AD.Rows)
	}
	if err := apart("selective_scan", a.From, a.To); err != nil {
		return err
	}
	tokens, channels := dst.Rows, dst.Cols
	from, to := states(a.From, a.To, a.States(), channels)
	return first("selective_scan", dst, sized("x", x, tokens, channels), sized("delta", a.Delta, tokens, channels),
		holds("B and C", a.BC, tokens, a.First, 2*a.States()), sized("A and D", a.AD, a.AD.Rows, channels),
		holds("gate", a.Gate, tokens, a.GateFirst, channels).optional(a.Gate), from, to)
}

// Check checks the operands of Ops.SSD.
func (a SSD) Check(dst, x Tensor) error {
	if a.Heads < 1 || a.Groups < 1 || a.State < 1 || dst.Cols%a.Heads != 0 || a.Heads%a.Groups != 0 {
		return fmt.Errorf("ssd to %s: %d channels, %d heads and %d groups of %d states do not divide", dst, dst.Cols, a.Heads, a.Groups, a.State)
	}
	if err := apart("ssd", a.From, a.To); err != nil {
		return err
	}
	from, to := states(a.From, a.To, dst.Cols, a.State)
	return first("ssd", dst, sized("x, B and C", x, dst.Rows, dst.Cols+2*a.Groups*a.State),
		holds("delta", a.Delta, dst.Rows, a.DeltaFirst, a.Heads).optional(a.Delta), vector("delta's bias", a.DeltaBias, a.Heads),
		sized("A", a.A, 1, a.Heads), vector("D", a.D, a.Heads), from, to)
}

// Check checks the operands of Ops.StateNorm.
func (a StateNorm) Check(state Tensor) error {
	if a.Heads < 1 || state.Rows%a.Heads != 0 {
		return fmt.Errorf("state_norm of %s: %d rows are not a multiple of %d heads", state, state.Rows, a.Heads)
	}
	if err := apart("state_norm", a.From, a.To); err != nil {
		return err
	}
	return first("state_norm", state, sized("the norms before", a.From, 1, a.Heads), sized("the norms after", a.To, 1, a.Heads))
}

// Check checks the operands of Ops.StateWindow.
func (a StateWindow) Check(state Tensor) error {
	d := a.Decays
	if d.Heads < 1 || state.Rows%d.Heads != 0 {
		return fmt.Errorf("state_window of %s: %d rows are not a multiple of %d heads", state, state.Rows, d.Heads)
	}
	if err := apart("state_window", a.From, a.To); err != nil {
		return err
	}
	if err := apart("state_window", a.FadeFrom, a.FadeTo); err != nil {
		return err
	}
	from, to := states(a.From, a.To, state.Rows, state.Cols)
	return first("state_window", state, holds("delta", d.Delta, d.Delta.Rows, d.DeltaFirst, d.Heads),
		vector("delta's bias", d.DeltaBias, d.Heads), sized("A", d.A, 1, d.Heads), from, to,
		sized("what is left before", a.FadeFrom, 1, d.Heads), sized("what is left after", a.FadeTo, 1, d.Heads))
}

// Parts is the number of parts of a row of so many columns.
func (a PartNorm) Parts(cols int) int {
	n := (cols - a.Lead) / a.Part
	if a.Lead > 0 {
		n++
	}
	return n
}

// Check checks the operands of Ops.PartNorm.
func (a PartNorm) Check(dst, x Tensor) error {
	if a.Part < 1 || a.Lead < 0 || a.Lead > dst.Cols || (dst.Cols-a.Lead)%a.Part != 0 {
		return fmt.Errorf("part_norm to %s: cannot cut %d columns into one of %d and others of %d", dst, dst.Cols, a.Lead, a.Part)
	}
	return first("part_norm", dst, sized("x", x, dst.Rows, dst.Cols), vector("weight", a.Weight, dst.Cols),
		holds("gate", a.Gate, dst.Rows, a.GateFirst, dst.Cols).optional(a.Gate))
}

// Check checks the operands of Ops.RGLRU.
func (a RGLRU) Check(dst, x Tensor) error {
	if err := apart("rglru", a.From, a.To); err != nil {
		return err
	}
	tokens, channels := dst.Rows, dst.Cols
	from, to := states(a.From, a.To, 1, channels)
	return first("rglru", dst, sized("x", x, tokens, channels), sized("input gates", a.Input, tokens, channels),
		sized("recurrence gates", a.Recurrence, tokens, channels), sized("lambda", a.Lambda, 1, channels),
		holds("mul", a.Mul, tokens, a.MulFirst, channels).optional(a.Mul), from, to)
}

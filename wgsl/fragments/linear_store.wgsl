// The end of a product with a matrix, as backend.Linear has it.
fn store(token: u32, row: u32, s: f32) {
    if token >= p.tokens || row >= p.rows { return; }
    let column = p.y_first + row;
    var v = s;
    if (p.has & 1u) != 0u { v += bias[column]; }
    v = activate(p.act, v) * p.scale;
    if p.cap > 0.0 { v = p.cap * tanh_of(v / p.cap); }
    if (p.has & 2u) != 0u { v *= gate[token * p.gate_stride + p.gate_column]; }
    let at = token * p.y_stride + column;
    if (p.has & 4u) != 0u { v += y[at]; }
    y[at] = v;
}

// The end of a product with pairs of rows, as backend.GateUp has it.
// store stores the result of rows row and row + 1.
fn store(token: u32, row: u32, gate: f32, up: f32) {
    if token >= p.tokens || row >= p.rows { return; }
    let at = p.first + row;
    var g = gate;
    var u = up;
    if p.has == 1u {
        g += bias[at];
        u += bias[at + 1u];
    }
    y[token * p.y_stride + at / 2u] = activate(p.act, g) * u;
}

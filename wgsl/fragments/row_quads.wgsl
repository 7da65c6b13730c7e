// The rows of x in quads: B and C begin at quads, and states are whole ones.
alias Item = vec4<f32>;
fn item(row: u32, c: u32) -> f32 { return x[(row + c) / 4u][c % 4u]; }
fn terms(row: u32, column: u32, n: u32) -> vec4<f32> {
    return select(vec4<f32>(), x[(row + column + min(n, p.states - 1u)) / 4u], vec4<bool>(n < p.states));
}

// The rows of x element by element: what lies past the last state is zero.
alias Item = f32;
fn item(row: u32, c: u32) -> f32 { return x[row + c]; }
fn term(at: u32, n: u32) -> f32 { return select(0.0, x[at + min(n, p.states - 1u)], n < p.states); }
fn terms(row: u32, column: u32, n: u32) -> vec4<f32> {
    let at = row + column;
    return vec4<f32>(term(at, n), term(at, n + 1u), term(at, n + 2u), term(at, n + 3u));
}

// softplus is ln(1 + eˣ), and x above 20; for small eˣ by the series of 2·artanh, since 1 + eˣ loses its digits.
fn softplus(x: f32) -> f32 {
    let e = exp(min(x, 20.0));
    let z = e / (2.0 + e);
    let s = z * z;
    let small = 2.0 * z * (1.0 + s * (0.33333333 + s * (0.2 + s * (0.14285714 + s * 0.11111111))));
    return select(select(log(1.0 + e), small, e < 0.5), x, x > 20.0);
}

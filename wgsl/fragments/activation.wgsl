// The activations, numbered as backend.Activation. Arguments of exp stay below f32's overflow, those of tanh below the
// values at which some GPUs give NaN.
fn sigmoid(x: f32) -> f32 { return 1.0 / (1.0 + exp(min(-x, 80.0))); }
fn tanh_of(x: f32) -> f32 { return tanh(clamp(x, -15.0, 15.0)); }
fn erf(x: f32) -> f32 {                                // Abramowitz and Stegun 7.1.26, good to 1.5e-7
    let a = abs(x);
    let u = 1.0 / (1.0 + 0.3275911 * a);
    let s = ((((1.061405429 * u - 1.453152027) * u + 1.421413741) * u - 0.284496736) * u + 0.254829592) * u;
    return sign(x) * (1.0 - s * exp(-min(a * a, 80.0)));
}
fn activate(kind: u32, x: f32) -> f32 {
    switch kind {
        case 1u: { return x * sigmoid(x); }
        case 2u: { return 0.5 * x * (1.0 + erf(x * 0.70710678)); }
        case 3u: { return 0.5 * x * (1.0 + tanh_of(0.79788456 * (x + 0.044715 * x * x * x))); }
        case 4u: { return x * sigmoid(1.702 * x); }
        case 5u: { return max(x, 0.0); }
        case 6u: { return max(x, 0.0) * max(x, 0.0); }
        case 7u: { return sigmoid(x); }
        case 8u: { return tanh_of(x); }
        default: { return x; }
    }
}

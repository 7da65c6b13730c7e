// lost is 1 − e^z for z at most 0; near 0 by its series, since the difference loses its digits.
fn lost(z: f32) -> f32 {
    let near = -z * (1.0 + z * (0.5 + z * (0.16666667 + z * (0.041666667 + z * (0.0083333333 + z * 0.0013888889)))));
    return select(1.0 - exp(z), near, z > -0.25);
}

// fade is e^z as a factor and what is to be subtracted: v·e^z = v·fade.x − v·fade.y. A factor next to 1 is rounded by as
// much as a slow decay differs from 1, and over many tokens that adds up; what is lost is exact.
fn fade(z: f32) -> vec2<f32> { return select(vec2<f32>(exp(z), 0.0), vec2<f32>(1.0, lost(z)), vec2<bool>(z > -0.25)); }

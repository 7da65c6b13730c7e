// add is m plus the matrix of columns a·b.
fn add(m: mat4x4<f32>, a: vec4<f32>, b: vec4<f32>) -> mat4x4<f32> {
    return mat4x4<f32>(fma(vec4<f32>(a.x), b, m[0]), fma(vec4<f32>(a.y), b, m[1]), fma(vec4<f32>(a.z), b, m[2]), fma(vec4<f32>(a.w), b, m[3]));
}

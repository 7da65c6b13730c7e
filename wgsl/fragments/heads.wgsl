// What attend_vec does for the query heads that it takes at once: HEADS of them, four to a vector.
// key_quad is a quad of a key: zero past its end.
fn key_quad(at: u32, c: u32) -> vec4<f32> { return select(vec4<f32>(), key(at, min(c, QUADS - 1u)), c < QUADS); }

// products are those of quad c of a key with the queries of the heads from first on.
fn products(c: u32, first: u32, k: vec4<f32>) -> vec4<f32> {
    let i = min(c, QUADS - 1u) * HEADS + first;
    if HEADS == 1u { return vec4<f32>(dot(qs[i], k), 0.0, 0.0, 0.0); }
    return vec4<f32>(dot(qs[i], k), dot(qs[i + 1u], k), dot(qs[i + 2u], k), dot(qs[i + 3u], k));
}

// seen_value is a quad of the value of key j of the tile: zero past the tile and where the key is not seen, whose memory may
// hold anything.
fn seen_value(j: u32, quad: u32) -> vec4<f32> {
    let at = place[min(j, 63u)];
    let there = j < 64u && at != UNSEEN;
    return select(vec4<f32>(), value(select(0u, at, there), quad), there);
}

// weighed is acc with the value of key j added for each head, times what prob has for it from first on.
fn weighed(acc: mat4x4<f32>, v: vec4<f32>, first: u32, j: u32) -> mat4x4<f32> {
    let f = prob[first + min(j, 63u)];
    if HEADS == 1u { return mat4x4<f32>(acc[0] + v * f.x, acc[1], acc[2], acc[3]); }
    return acc + outer(v, f);
}

// What attend_tile brings to workgroup memory, quads of queries, keys and values, what scores become, and where results go.
// note puts down what was found of key t of the tile.
fn note(t: u32, f: Found, kv_head: u32) {
    found[t] = vec4<i32>(f.pos, f.low, f.high, f.distance);
    place[t] = vec2<u32>(f.slot % p.page) * vec2<u32>(1u, head_rows(QUADS)) + base(f.slot, kv_head);
    if t == 0u {
        query_set = f.query * p.set_stride;
        live = u32(f.low != NOWHERE);
    }
}

// masked is the scores of key k, very low where its query does not see it.
fn masked(s: vec4<f32>, k: u32, slope: vec4<f32>, query: vec4<i32>) -> vec4<f32> {
    let f = found[k];
    let v = select(vec4<f32>(-1.0e30), score(s, slope, f.x, f.w, query), query >= vec4<i32>(f.y));
    return select(vec4<f32>(-1.0e30), v, query <= vec4<i32>(f.z));
}

// weights is exp(s − top), zero where masked, kept for key k.
fn weights(s: vec4<f32>, top: vec4<f32>, k: u32, y: u32) -> vec4<f32> {
    let e = select(vec4<f32>(), exp(s - top), s > vec4<f32>(-1.0e29));
    room[k * 9u + y] = e;
    return e;
}

// keys_quad is quad c of keys first, first + 8, .., a row each; rows_quad that of the queries of rows 4i, 4i + 1, ..
fn keys_quad(first: u32, c: u32) -> mat4x4<f32> {
    if c >= QUADS { return mat4x4<f32>(); }
    return transpose(mat4x4<f32>(key(place[first].x, c), key(place[first + 8u].x, c), key(place[first + 16u].x, c), key(place[first + 24u].x, c)));
}
fn rows_quad(i: u32, c: u32) -> mat4x4<f32> {
    if c >= QUADS { return mat4x4<f32>(); }
    let at = vec4<u32>(rows[4u * i], rows[4u * i + 1u], rows[4u * i + 2u], rows[4u * i + 3u]) + vec4<u32>(query_set + c);
    return transpose(mat4x4<f32>(q[at.x], q[at.y], q[at.z], q[at.w])) * p.scale;
}

// seen_value is a quad of the value of key k: zero where no query sees it, whose memory may hold anything.
fn seen_value(k: u32, quad: u32) -> vec4<f32> {
    if quad >= QUADS || found[k].y > found[k].z { return vec4<f32>(); }
    return value(place[k].y, quad);
}

// store writes a quad of four rows' results.
fn store(acc: mat4x4<f32>, quad: u32, first_row: u32, kv_head: u32, split: u32, top: vec4<f32>, sum: vec4<f32>) {
    var m = acc;
    for (var i = 0u; i < 4u; i++) {
        let row = first_row + i;
        let head = kv_head * p.group + row % p.group;
        if row < p.tokens * p.group && quad < QUADS { put(row / p.group, head, quad, split, m[i], top[i], sum[i]); }
    }
}

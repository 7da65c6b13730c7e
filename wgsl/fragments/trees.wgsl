// Reductions over a workgroup of 64, in radix 4.
// most is the largest of v over the workgroup; it uses 64 of red from base on.
fn most(t: u32, base: u32, v: vec4<f32>) -> vec4<f32> {
    red[base + t] = v;
    workgroupBarrier();
    for (var n = 16u; n > 0u; n >>= 2u) {
        let i = base + t;
        if t < n { red[i] = max(max(red[i], red[i + n]), max(red[i + 2u * n], red[i + 3u * n])); }
        workgroupBarrier();
    }
    return red[base];
}

// total is v added up over the workgroup; it uses 64 of red.
fn total(t: u32, v: vec4<f32>) -> vec4<f32> {
    red[t] = v;
    workgroupBarrier();
    for (var n = 16u; n > 0u; n >>= 2u) {
        if t < n { red[t] = (red[t] + red[t + n]) + (red[t + 2u * n] + red[t + 3u * n]); }
        workgroupBarrier();
    }
    let all = red[0];
    workgroupBarrier();
    return all;
}

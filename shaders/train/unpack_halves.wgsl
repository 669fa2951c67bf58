// values <- the half floats of words, four an invocation: the inverse of pack_halves, NaN and infinities included.
struct Params {
  /// number of values
  count: u32,
  /// where the words begin, in vec2u
  first: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> words: array<vec2u>;
@group(0) @binding(2) var<storage, read_write> values: array<vec4f>;

#include "../lib/index.wgsl"

const EXPONENT = vec4u(0x7c00u);

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = linear_index(workgroup, workgroups, local, 64u);
  if (4u * i < params.count) {
    let word = words[params.first + i];
    let halves = vec4u(word.x & 0xffffu, word.x >> 16u, word.y & 0xffffu, word.y >> 16u);
    // By their bits: WGSL leaves open what unpack2x16float makes of NaN and infinities.
    let special = ((halves & vec4u(0x8000u)) << vec4u(16u)) | vec4u(0x7f800000u) | ((halves & vec4u(0x3ffu)) << vec4u(13u));
    let finite = vec4f(unpack2x16float(word.x), unpack2x16float(word.y));
    values[i] = select(finite, bitcast<vec4f>(special), (halves & EXPONENT) == EXPONENT);
  }
}

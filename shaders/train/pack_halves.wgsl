// words <- values as half floats, two a word, four values an invocation. What is finite and too large for a half becomes
// +-65504, its largest; NaN and infinities stay what they are, so that they are found.
struct Params {
  /// number of values
  count: u32,
  /// where the words go, in vec2u
  first: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> values: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> words: array<vec2u>;

#include "../lib/index.wgsl"

const LARGEST = vec4f(65504.0);
const EXPONENT = vec4u(0x7f800000u);

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = linear_index(workgroup, workgroups, local, 64u);
  if (4u * i >= params.count) {
    return;
  }
  let value = clamp(values[i], -LARGEST, LARGEST);
  let pair = vec2u(pack2x16float(value.xy), pack2x16float(value.zw));
  let halves = vec4u(pair.x & 0xffffu, pair.x >> 16u, pair.y & 0xffffu, pair.y >> 16u);
  // By their bits: WGSL leaves open what arithmetic, clamp and pack2x16float make of NaN and infinities.
  let bits = bitcast<vec4u>(values[i]);
  let not_finite = (bits & EXPONENT) == EXPONENT;
  let is_nan = (bits & ~EXPONENT & vec4u(0x7fffffffu)) != vec4u(0u);
  let special = ((bits >> vec4u(16u)) & vec4u(0x8000u)) | select(vec4u(0x7c00u), vec4u(0x7e00u), is_nan);
  // Behind the last value lies what another tensor left there; the words are to depend on the values alone.
  let valid = vec4u(4u * i) + vec4u(0u, 1u, 2u, 3u) < vec4u(params.count);
  let kept = select(vec4u(0u), select(halves, special, not_finite), valid);
  words[params.first + i] = vec2u(kept.x | (kept.y << 16u), kept.z | (kept.w << 16u));
}

// words <- values as half floats, two a word, four values an invocation. What a half cannot hold becomes +-65504, its largest.
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

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = linear_index(workgroup, workgroups, local, 64u);
  if (4u * i >= params.count) {
    return;
  }
  // Behind the last value lies what another tensor left there; the words are to depend on the values alone.
  let valid = vec4u(4u * i) + vec4u(0u, 1u, 2u, 3u) < vec4u(params.count);
  let value = select(vec4f(0.0), clamp(values[i], -LARGEST, LARGEST), valid);
  words[params.first + i] = vec2u(pack2x16float(value.xy), pack2x16float(value.zw));
}

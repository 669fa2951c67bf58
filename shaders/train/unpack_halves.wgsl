// values <- the half floats of words, four an invocation: the inverse of pack_halves.
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

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = linear_index(workgroup, workgroups, local, 64u);
  if (4u * i < params.count) {
    let word = words[params.first + i];
    values[i] = vec4f(unpack2x16float(word.x), unpack2x16float(word.y));
  }
}

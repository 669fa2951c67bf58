// Half-precision floats, two a word, as f32: four an invocation.
struct Params {
  /// number of vec4
  count: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> halves: array<vec2u>;
@group(0) @binding(2) var<storage, read_write> values: array<vec4f>;

#include "../lib/index.wgsl"

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = linear_index(workgroup, workgroups, local, 64u);
  if (i < params.count) {
    values[i] = vec4f(unpack2x16float(halves[i].x), unpack2x16float(halves[i].y));
  }
}

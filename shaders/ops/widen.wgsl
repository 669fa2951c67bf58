// values = stored, four elements an invocation: the inverse of narrow.wgsl.
struct Params {
  /// number of vec4
  count: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> stored: array<Stored4>;
@group(0) @binding(2) var<storage, read_write> values: array<vec4f>;

#include "../lib/index.wgsl"

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = linear_index(workgroup, workgroups, local, 64u);
  if (i < params.count) {
    values[i] = vec4f(stored[i]);
  }
}

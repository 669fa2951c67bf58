// total = left + right, four elements an invocation.
struct Params {
  /// number of vec4
  count: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> left: array<Stored4>;
@group(0) @binding(2) var<storage, read> right: array<Stored4>;
@group(0) @binding(3) var<storage, read_write> total: array<Stored4>;

#include "../lib/index.wgsl"

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = linear_index(workgroup, workgroups, local, 64u);
  if (i < params.count) {
    total[i] = Stored4(vec4f(left[i]) + vec4f(right[i]));
  }
}

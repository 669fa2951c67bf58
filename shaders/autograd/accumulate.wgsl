// total += addend, four elements an invocation. What lies between the total's end and a whole vec4 stays as it is: the padding
// between parameters is zero, and of an addend undefined.
struct Params {
  /// elements
  size: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> addend: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> total: array<vec4f>;

#include "../lib/index.wgsl"

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = linear_index(workgroup, workgroups, local, 64u);
  if (4u * i < params.size) {
    let own = 4u * i + vec4u(0u, 1u, 2u, 3u) < vec4u(params.size);
    total[i] += select(vec4f(), addend[i], own);
  }
}

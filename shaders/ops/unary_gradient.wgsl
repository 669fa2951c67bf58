// incoming times the derivative of unary.wgsl; four elements an invocation.
#include "unary_params.wgsl"
#include "../lib/index.wgsl"

@group(0) @binding(1) var<storage, read> input: array<Stored4>;
@group(0) @binding(2) var<storage, read> incoming: array<Stored4>;
@group(0) @binding(3) var<storage, read_write> gradient: array<Stored4>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = linear_index(workgroup, workgroups, local, 64u);
  if (i < params.count) {
    gradient[i] = Stored4(vec4f(incoming[i]) * unary_slope(vec4f(input[i])));
  }
}

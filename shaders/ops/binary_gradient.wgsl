// Gradient of an operand: the sum over its repeats, in order. An invocation sums one element.
#include "binary_gradient_walk.wgsl"
#include "../lib/index.wgsl"

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = linear_index(workgroup, workgroups, local, 64u);
  if (i >= params.count) {
    return;
  }
  let first = place_of(i);
  var sum = 0.0;
  for (var repeat = 0u; repeat < params.repeats; repeat++) {
    sum += share(first, repeat);
  }
  gradient[i] = Gradient(sum);
}

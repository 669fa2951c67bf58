// binary_gradient.wgsl for many repeats: a workgroup sums one element, each invocation every LANES-th repeat, then a tree in a fixed order.
#include "binary_gradient_walk.wgsl"

override LANES: u32 = 64;
var<workgroup> lane_sums: array<f32, LANES>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let element = workgroup.y * workgroups.x + workgroup.x;
  let first = place_of(min(element, params.count - 1u));
  var sum = 0.0;
  for (var repeat = local; repeat < params.repeats; repeat += LANES) {
    sum += share(first, repeat);
  }
  lane_sums[local] = sum;
  workgroupBarrier();
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    if (local < half) {
      lane_sums[local] += lane_sums[local + half];
    }
    workgroupBarrier();
  }
  if (local == 0u && element < params.count) {
    gradient[element] = Gradient(lane_sums[0]);
  }
}

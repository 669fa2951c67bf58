// The incoming gradients are passed round in subgroups: a workgroup is 64 input channels of one chunk.
enable subgroups;

#include "incoming_subgroups.wgsl"
#include "pointwise_weight_gradient_body.wgsl"

@compute @workgroup_size(16)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) local: u32,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  weight_gradient(4u * (workgroup.x * 16u + local), 8u * workgroup.y, workgroup.z, lane);
}

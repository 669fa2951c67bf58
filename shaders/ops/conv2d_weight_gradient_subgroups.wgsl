// The incoming gradients are passed round in subgroups: a workgroup is 32 input channels of one chunk.
enable subgroups;

#include "incoming_subgroups.wgsl"
#include "conv2d_weight_gradient_body.wgsl"

@compute @workgroup_size(32)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) local: u32,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  weight_gradient(workgroup.x * 32u + local, 8u * workgroup.y, workgroup.z, lane);
}

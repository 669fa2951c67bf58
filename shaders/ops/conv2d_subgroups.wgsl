enable subgroups;

#include "weights_subgroups.wgsl"
#include "conv2d_body.wgsl"

@compute @workgroup_size(SIZE)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) local: u32,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  convolve(workgroup, local, lane);
}

// head_cut_features_body.wgsl with the weights passed round in subgroups.
enable subgroups;

#include "head_cut_read_weights_subgroups.wgsl"
#include "head_cut_features_body.wgsl"

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  feature_gradient(workgroup, workgroups, local, lane);
}

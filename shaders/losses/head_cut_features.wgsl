// head_cut_features_body.wgsl for adapters without subgroups.
#include "head_cut_read_weights.wgsl"
#include "head_cut_features_body.wgsl"

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  feature_gradient(workgroup, workgroups, local, 0u);
}

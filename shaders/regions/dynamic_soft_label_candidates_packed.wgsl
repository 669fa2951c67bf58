#include "box_quads_packed.wgsl"
#include "dynamic_soft_label_candidates.wgsl"

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  find_candidates(linear_index(workgroup, workgroups, local, 64u));
}

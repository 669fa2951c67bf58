// head_cut_weights_body.wgsl with slopes passed round in subgroups: a workgroup takes eight times four inputs
// (z) and twelve outputs (y), block after block (x); beyond the last outputs come biases and scales.
enable subgroups;

#include "head_cut_read_slopes_subgroups.wgsl"
#include "head_cut_weights_body.wgsl"

@compute @workgroup_size(8)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  let tiles = (params.outputs + 11u) / 12u;
  for (var block = workgroup.x; block < round_blocks(); block += workgroups.x) {
    if (workgroup.y < tiles) {
      weight_gradient(block, 12u * workgroup.y, workgroup.z * 8u + local, lane);
    } else if (workgroup.z == 0u) {
      other_gradients(block, (workgroup.y - tiles) * 8u + local);
    }
  }
}

// head_cut_weights_body.wgsl for adapters without subgroups: workgroups of 64 units (x), block after block (y). Units are tiles × inputs,
// then biases and scales.
#include "head_cut_read_slopes.wgsl"
#include "head_cut_weights_body.wgsl"

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let fours = (params.inputs + 3u) / 4u;
  let tiles = (params.outputs + 11u) / 12u;
  let unit = workgroup.x * 64u + local;
  for (var block = workgroup.y; block < round_blocks(); block += workgroups.y) {
    if (unit < tiles * fours) {
      weight_gradient(block, 12u * (unit / fours), unit % fours, 0u);
    } else {
      other_gradients(block, unit - tiles * fours);
    }
  }
}

// For adapters without subgroups, and for few input channels: invocations are input channels × chunks.
#include "incoming_direct.wgsl"
#include "pointwise_weight_gradient_body.wgsl"

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) local: u32) {
  let tiles = (params.inputs + 3u) / 4u;
  let index = workgroup.x * 64u + local;
  if (index < tiles * params.chunks) {
    weight_gradient(4u * (index % tiles), 8u * workgroup.y, index / tiles, 0u);
  }
}

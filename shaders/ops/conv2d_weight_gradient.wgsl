// For adapters without subgroups, and for few input channels: invocations are input channels × chunks.
#include "incoming_direct.wgsl"
#include "conv2d_weight_gradient_body.wgsl"

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) local: u32) {
  let index = workgroup.x * 64u + local;
  if (index < params.inputs * params.chunks) {
    weight_gradient(index % params.inputs, 8u * workgroup.y, index / params.inputs, 0u);
  }
}

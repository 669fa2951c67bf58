// Reorders the weight of a convolution for its kernels: for each tile of four outputs, for each input, for each tap one
// vec4 of the four outputs' weights; after the tile's last input one vec4 of their biases. Outputs beyond the last are zero.
struct Params {
  /// vec4 of the packed weight
  count: u32,
  outputs: u32,
  inputs: u32,
  /// 1 or 9
  taps: u32,
  /// 1: outputs and inputs change places and the taps are turned by 180°, which makes the convolution its own transpose
  transposed: u32,
  has_bias: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
/// [outputs, inputs, taps], or [inputs, outputs, taps] where transposed
@group(0) @binding(1) var<storage, read> weight: array<f32>;
/// [outputs]
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read_write> packed: array<vec4f>;

#include "../lib/index.wgsl"

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let index = linear_index(workgroup, workgroups, local, 64u);
  if (index >= params.count) {
    return;
  }
  let tile = params.inputs * params.taps + 1u;
  let input = (index % tile) / params.taps;
  let tap = (index % tile) % params.taps;
  var values = vec4f();
  for (var i = 0u; i < 4u; i++) {
    let output = 4u * (index / tile) + i;
    if (output < params.outputs) {
      if (input < params.inputs) {
        let straight = (output * params.inputs + input) * params.taps + tap;
        let turned = (input * params.outputs + output) * params.taps + params.taps - 1u - tap;
        values[i] = weight[select(straight, turned, params.transposed != 0u)];
      } else if (params.has_bias != 0u) {
        values[i] = bias[output];
      }
    }
  }
  packed[index] = values;
}

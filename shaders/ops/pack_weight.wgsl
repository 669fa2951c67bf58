// Reorders a convolution's weight: for each tile of eight outputs, each input and each tap the eight weights, two vec4; after a tile's last
// input its biases, as one more tap. Zero beyond the last output or input.
struct Params {
  /// vec4 of the packed weight
  count: u32,
  outputs: u32,
  inputs: u32,
  /// inputs, the added zeros included
  padded_inputs: u32,
  /// 1 or 9
  taps: u32,
  /// 1: outputs and inputs change places and the taps turn by 180°, which makes the transposed convolution
  transposed: u32,
  has_bias: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
/// [outputs, inputs, taps], or [inputs, outputs, taps] where transposed
@group(0) @binding(1) var<storage, read> weight: array<f32>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read_write> packed: array<Stored4>;

#include "../lib/index.wgsl"

fn packed_value(output: u32, input: u32, number: u32) -> f32 {
  if (output >= params.outputs) {
    return 0.0;
  }
  if (input == params.padded_inputs) {
    return select(0.0, bias[output], params.has_bias != 0u);
  }
  if (input >= params.inputs) {
    return 0.0;
  }
  let tap = number % params.taps;
  let straight = (output * params.inputs + input) * params.taps + tap;
  let turned = (input * params.outputs + output) * params.taps + params.taps - 1u - tap;
  return weight[select(straight, turned, params.transposed != 0u)];
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let index = linear_index(workgroup, workgroups, local, 64u);
  if (index >= params.count) {
    return;
  }
  let tile_taps = params.padded_inputs * params.taps + 1u;
  let number = index / 2u % tile_taps;
  let input = number / params.taps;
  let first = 8u * (index / 2u / tile_taps) + 4u * (index % 2u);
  packed[index] = Stored4(vec4f(
    packed_value(first, input, number),
    packed_value(first + 1u, input, number),
    packed_value(first + 2u, input, number),
    packed_value(first + 3u, input, number),
  ));
}

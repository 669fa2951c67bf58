// Gradient of a convolution of any window with respect to its input, and the transposed convolution: an element, one an invocation, gathers
// from the outputs whose window it is in.
#include "convolution_window.wgsl"
#include "../lib/index.wgsl"

@group(0) @binding(1) var<storage, read> incoming: array<Stored>;
/// [outputs, inputs / groups, kernel_height, kernel_width]
@group(0) @binding(2) var<storage, read> weight: array<f32>;
/// [inputs], read if has_bias
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read_write> gradient: array<Stored>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = linear_index(workgroup, workgroups, local, 64u);
  if (i >= params.count) {
    return;
  }
  let x = i % params.width;
  let y = (i / params.width) % params.height;
  let map = i / (params.width * params.height);
  let channel = map % params.inputs;
  let inputs = params.inputs / params.groups;
  let outputs = params.outputs / params.groups;
  let first = channel / inputs * outputs;
  let image = map / params.inputs * params.outputs;
  let taps = params.kernel_height * params.kernel_width;

  var sum = 0.0;
  if (params.has_bias != 0u) {
    sum = bias[channel];
  }
  for (var ky = 0u; ky < params.kernel_height; ky++) {
    let row = y + params.top;
    let down = params.dilation_y * ky;
    let to_row = (row - down) / params.stride_y;
    if (row < down || (row - down) % params.stride_y != 0u || to_row >= params.out_height) {
      continue;
    }
    for (var kx = 0u; kx < params.kernel_width; kx++) {
      let column = x + params.left;
      let right = params.dilation_x * kx;
      let to_column = (column - right) / params.stride_x;
      if (column < right || (column - right) % params.stride_x != 0u || to_column >= params.out_width) {
        continue;
      }
      var tap = (first * inputs + channel % inputs) * taps + ky * params.kernel_width + kx;
      for (var o = first; o < first + outputs; o++) {
        sum += weight[tap] * f32(incoming[((image + o) * params.out_height + to_row) * params.out_width + to_column]);
        tap += inputs * taps;
      }
    }
  }
  gradient[i] = Stored(sum);
}

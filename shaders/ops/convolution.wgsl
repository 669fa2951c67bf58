// Convolution of any window: output[b, o, y, x] = bias[o] + Σ_i,ky,kx weight[o, i, ky, kx] ·
// input[b, group's i, stride·y + dilation·ky − top, stride·x + dilation·kx − left]. One element an invocation.
#include "convolution_window.wgsl"
#include "../lib/index.wgsl"
#include "activated.wgsl"

@group(0) @binding(1) var<storage, read> input: array<Stored>;
/// [outputs, inputs / groups, kernel_height, kernel_width]
@group(0) @binding(2) var<storage, read> weight: array<f32>;
/// [outputs], read if has_bias
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read_write> output: array<Stored>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = linear_index(workgroup, workgroups, local, 64u);
  if (i >= params.count) {
    return;
  }
  let x = i % params.out_width;
  let y = (i / params.out_width) % params.out_height;
  let map = i / (params.out_width * params.out_height);
  let channel = map % params.outputs;
  let inputs = params.inputs / params.groups;
  let first = map / params.outputs * params.inputs + channel / (params.outputs / params.groups) * inputs;
  let row = i32(params.stride_y * y) - i32(params.top);
  let column = i32(params.stride_x * x) - i32(params.left);

  var sum = 0.0;
  if (params.has_bias != 0u) {
    sum = bias[channel];
  }
  var tap = channel * inputs * params.kernel_height * params.kernel_width;
  for (var plane = first; plane < first + inputs; plane++) {
    for (var ky = 0u; ky < params.kernel_height; ky++) {
      let from_row = row + i32(params.dilation_y * ky);
      let in_rows = from_row >= 0 && from_row < i32(params.height);
      let start = i32(plane * params.height * params.width) + from_row * i32(params.width);
      for (var kx = 0u; kx < params.kernel_width; kx++) {
        let from_column = column + i32(params.dilation_x * kx);
        if (in_rows && from_column >= 0 && from_column < i32(params.width)) {
          sum += weight[tap] * f32(input[start + from_column]);
        }
        tap++;
      }
    }
  }
  output[i] = Stored(activated(vec4f(sum)).x);
}

// Gradient of a convolution of any window with respect to its weight. A workgroup sums one element over images and pixels, each invocation
// every LANES-th pixel, then a tree: the order is fixed.
#include "convolution_window.wgsl"

@group(0) @binding(1) var<storage, read> input: array<Stored>;
@group(0) @binding(2) var<storage, read> incoming: array<Stored>;
/// [outputs, inputs / groups, kernel_height, kernel_width]
@group(0) @binding(3) var<storage, read_write> gradient: array<f32>;

override LANES: u32 = 64;
var<workgroup> lane_sums: array<f32, LANES>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let element = workgroup.y * workgroups.x + workgroup.x;
  let inputs = params.inputs / params.groups;
  let kx = element % params.kernel_width;
  let ky = (element / params.kernel_width) % params.kernel_height;
  let own_input = (element / (params.kernel_width * params.kernel_height)) % inputs;
  let channel = element / (params.kernel_width * params.kernel_height * inputs);
  let from_channel = channel / (params.outputs / params.groups) * inputs + own_input;
  let top = i32(params.dilation_y * ky) - i32(params.top);
  let left = i32(params.dilation_x * kx) - i32(params.left);
  let area = params.out_height * params.out_width;

  var sum = 0.0;
  if (element < params.count) {
    for (var image = 0u; image < params.batch; image++) {
      let from_plane = i32((image * params.inputs + from_channel) * params.height * params.width);
      let to_plane = (image * params.outputs + channel) * area;
      for (var pixel = local; pixel < area; pixel += LANES) {
        let row = i32(pixel / params.out_width * params.stride_y) + top;
        let column = i32(pixel % params.out_width * params.stride_x) + left;
        if (row >= 0 && row < i32(params.height) && column >= 0 && column < i32(params.width)) {
          sum += f32(incoming[to_plane + pixel]) * f32(input[from_plane + row * i32(params.width) + column]);
        }
      }
    }
  }
  lane_sums[local] = sum;
  workgroupBarrier();
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    if (local < half) {
      lane_sums[local] += lane_sums[local + half];
    }
    workgroupBarrier();
  }
  if (local == 0u && element < params.count) {
    gradient[element] = lane_sums[0];
  }
}

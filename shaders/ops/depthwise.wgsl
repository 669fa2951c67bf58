// Convolution of each channel by itself, for windows that depthwise_columns.wgsl does not take. An invocation computes ROWS rows of one
// column, so that neighbours read neighbouring pixels.
#include "convolution_window.wgsl"
#include "../lib/index.wgsl"
#include "activated.wgsl"

override KERNEL_HEIGHT: u32 = 3;
override KERNEL_WIDTH: u32 = 3;
const ROWS: u32 = 4u;

@group(0) @binding(1) var<storage, read> input: array<Stored>;
/// [channels, 1, kernel_height, kernel_width]
@group(0) @binding(2) var<storage, read> weight: array<f32>;
/// [channels], read if has_bias
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read_write> output: array<Stored>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = linear_index(workgroup, workgroups, local, 64u);
  if (i >= params.count) {
    return;
  }
  let x = i % params.out_width;
  let strips = (params.out_height + ROWS - 1u) / ROWS;
  let y = (i / params.out_width) % strips * ROWS;
  let map = i / (params.out_width * strips);
  let channel = map % params.inputs;
  let plane = i32(map * params.height * params.width);
  let rows = vec4i(params.stride_y * (vec4u(0u, 1u, 2u, 3u) + y)) - i32(params.top);
  let column = i32(params.stride_x * x) - i32(params.left);
  let last = vec4i(i32(params.height) - 1);

  var sums = vec4f();
  if (params.has_bias != 0u) {
    sums = vec4f(bias[channel]);
  }
  let taps = channel * KERNEL_HEIGHT * KERNEL_WIDTH;
  for (var ky = 0u; ky < KERNEL_HEIGHT; ky++) {
    let from_rows = rows + i32(params.dilation_y * ky);
    let inside = (from_rows >= vec4i()) & (from_rows <= last);
    let starts = plane + clamp(from_rows, vec4i(), last) * i32(params.width);
    for (var kx = 0u; kx < KERNEL_WIDTH; kx++) {
      let from_column = column + i32(params.dilation_x * kx);
      let at = starts + clamp(from_column, 0, i32(params.width) - 1);
      let values = vec4f(Stored4(input[at.x], input[at.y], input[at.z], input[at.w]));
      let seen = inside & vec4<bool>(from_column >= 0 && from_column < i32(params.width));
      let tap = ky * KERNEL_WIDTH + kx;
      sums += weight[taps + tap] * select(vec4f(), values, seen);
    }
  }
  sums = activated(sums);
  for (var row = 0u; row < min(ROWS, params.out_height - y); row++) {
    output[(map * params.out_height + y + row) * params.out_width + x] = Stored(sums[row]);
  }
}

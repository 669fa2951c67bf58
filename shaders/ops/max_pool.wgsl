// Maximum over 3×3 windows with stride 2 and padding 1.
struct Params {
  /// batch × channels × out_height × out_width
  count: u32,
  height: u32,
  width: u32,
  out_height: u32,
  out_width: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<f32>;
@group(0) @binding(2) var<storage, read_write> output: array<f32>;

#include "../lib/index.wgsl"
#include "max_pool_window.wgsl"

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = linear_index(workgroup, workgroups, local, 64u);
  if (i >= params.count) {
    return;
  }
  let plane = i / (params.out_width * params.out_height);
  output[i] = input[greatest_of_window(plane, (i / params.out_width) % params.out_height, i % params.out_width)];
}

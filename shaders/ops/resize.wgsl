// Maps of another size by nearest neighbour or bilinear interpolation. An invocation computes one element.
#include "resize_position.wgsl"
#include "../lib/index.wgsl"

@group(0) @binding(1) var<storage, read> input: array<Stored>;
@group(0) @binding(2) var<storage, read_write> output: array<Stored>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = linear_index(workgroup, workgroups, local, 64u);
  if (i >= params.count) {
    return;
  }
  let column = position_of(params.axes[1], i % params.out_width);
  let row = position_of(params.axes[0], (i / params.out_width) % params.out_height);
  let width = params.axes[1].w;
  let plane = i32(i / (params.out_width * params.out_height)) * params.axes[0].w * width;
  let low = plane + row.low * width;
  if (!LINEAR) {
    output[i] = input[low + column.low];
    return;
  }
  let high = plane + row.high * width;
  let above = mix(f32(input[low + column.low]), f32(input[low + column.high]), column.share);
  let below = mix(f32(input[high + column.low]), f32(input[high + column.high]), column.share);
  output[i] = Stored(mix(above, below, row.share));
}

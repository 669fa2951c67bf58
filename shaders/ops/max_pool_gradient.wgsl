// Gradient of the 3×3 maximum: an input gathers from the windows, at most four, whose maximum it is.
struct Params {
  /// batch × channels × height × width
  count: u32,
  height: u32,
  width: u32,
  out_height: u32,
  out_width: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<f32>;
@group(0) @binding(2) var<storage, read> incoming: array<f32>;
@group(0) @binding(3) var<storage, read_write> gradient: array<f32>;

#include "../lib/index.wgsl"
#include "max_pool_window.wgsl"

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = linear_index(workgroup, workgroups, local, 64u);
  if (i >= params.count) {
    return;
  }
  let column = i % params.width;
  let row = (i / params.width) % params.height;
  let plane = i / (params.width * params.height);
  var sum = 0.0;
  for (var y = row / 2u; y <= min((row + 1u) / 2u, params.out_height - 1u); y++) {
    for (var x = column / 2u; x <= min((column + 1u) / 2u, params.out_width - 1u); x++) {
      if (greatest_of_window(plane, y, x) == i) {
        sum += incoming[(plane * params.out_height + y) * params.out_width + x];
      }
    }
  }
  gradient[i] = sum;
}

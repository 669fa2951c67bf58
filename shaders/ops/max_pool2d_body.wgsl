// Of each window the result_of, in the including file, of its maximum and of the element that this is: the first in row-major order of equals.
#include "pool_window.wgsl"
#include "../lib/index.wgsl"

@group(0) @binding(1) var<storage, read> input: array<Stored>;
@group(0) @binding(2) var<storage, read_write> output: array<Result>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = linear_index(workgroup, workgroups, local, 64u);
  if (i >= params.count) {
    return;
  }
  let plane = i / (params.out_width * params.out_height) * params.height;
  let y = (i / params.out_width) % params.out_height;
  let rows = window_of(y, params.stride_y, params.top, params.kernel_height, params.height);
  let columns = window_of(i % params.out_width, params.stride_x, params.left, params.kernel_width, params.width);
  var found = (plane + rows.x) * params.width + columns.x;
  var greatest = f32(input[found]);
  for (var row = rows.x; row < rows.y; row++) {
    for (var column = columns.x; column < columns.y; column++) {
      let element = (plane + row) * params.width + column;
      let value = f32(input[element]);
      if (value > greatest) {
        greatest = value;
        found = element;
      }
    }
  }
  output[i] = result_of(greatest, found);
}

// Mean over windows. WHOLE: over all cells of a window, zeros beyond the map; else over those in the map.
#include "pool_window.wgsl"
#include "../lib/index.wgsl"

override WHOLE: bool = false;

@group(0) @binding(1) var<storage, read> input: array<Stored>;
@group(0) @binding(2) var<storage, read_write> output: array<Stored>;

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
  var sum = 0.0;
  for (var row = rows.x; row < rows.y; row++) {
    for (var column = columns.x; column < columns.y; column++) {
      sum += f32(input[(plane + row) * params.width + column]);
    }
  }
  let seen = (rows.y - rows.x) * (columns.y - columns.x);
  output[i] = Stored(sum / f32(select(seen, params.kernel_height * params.kernel_width, WHOLE)));
}

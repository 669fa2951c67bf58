// Gradient of the maximum over windows: an element gathers from the windows whose maximum it is.
#include "pool_window.wgsl"
#include "../lib/index.wgsl"

/// of each window, see max_pool2d_index.wgsl
@group(0) @binding(1) var<storage, read> found: array<u32>;
@group(0) @binding(2) var<storage, read> incoming: array<Stored>;
@group(0) @binding(3) var<storage, read_write> gradient: array<Stored>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = linear_index(workgroup, workgroups, local, 64u);
  if (i >= params.count) {
    return;
  }
  let plane = i / (params.width * params.height) * params.out_height;
  let row = (i / params.width) % params.height;
  let rows = seers_of(row, params.stride_y, params.top, params.kernel_height, params.out_height);
  let columns = seers_of(i % params.width, params.stride_x, params.left, params.kernel_width, params.out_width);
  var sum = 0.0;
  for (var y = rows.x; y < rows.y; y++) {
    for (var x = columns.x; x < columns.y; x++) {
      let window = (plane + y) * params.out_width + x;
      if (found[window] == i) {
        sum += f32(incoming[window]);
      }
    }
  }
  gradient[i] = Stored(sum);
}

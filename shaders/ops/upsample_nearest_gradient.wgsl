// Gradient of nearest upsampling: an input cell gathers the output rows from ceil(row · out_height / height) up to the next row's first;
// columns likewise.
struct Params {
  /// batch × channels × height × width
  count: u32,
  height: u32,
  width: u32,
  out_height: u32,
  out_width: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> incoming: array<Stored>;
@group(0) @binding(2) var<storage, read_write> gradient: array<Stored>;

#include "../lib/index.wgsl"

fn first_taker(cell: u32, cells: u32, takers: u32) -> u32 {
  return (cell * takers + cells - 1u) / cells;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = linear_index(workgroup, workgroups, local, 64u);
  if (i >= params.count) {
    return;
  }
  let column = i % params.width;
  let row = (i / params.width) % params.height;
  let plane = i / (params.width * params.height);
  let last_row = first_taker(row + 1u, params.height, params.out_height);
  let first_column = first_taker(column, params.width, params.out_width);
  let last_column = first_taker(column + 1u, params.width, params.out_width);
  var sum = 0.0;
  for (var y = first_taker(row, params.height, params.out_height); y < last_row; y++) {
    for (var x = first_column; x < last_column; x++) {
      sum += f32(incoming[(plane * params.out_height + y) * params.out_width + x]);
    }
  }
  gradient[i] = Stored(sum);
}

// Copies maps so that every row starts at a multiple of four elements and has a border of zeros: the kernels of the
// convolution then read four elements at once and test no bounds. One vec4 of the copy an invocation.
struct Params {
  /// vec4 of the copy, all levels
  count: u32,
  level_count: u32,
  /// zeros above and to the left of the map
  border: u32,
  /// two entries a level: (first vec4 of the copy, its rows, its vec4 a row, 0), (first element of the map, height, width, 0)
  levels: array<vec4u, 16>,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> maps: array<f32>;
@group(0) @binding(2) var<storage, read_write> aligned: array<vec4f>;

#include "../lib/index.wgsl"

/// The map's value at a column of the copy. Unsigned: what lies in the border wraps round to a number beyond the map.
fn pixel(row: u32, column: u32, width: u32) -> f32 {
  let x = column - params.border;
  return select(0.0, maps[row + min(x, width - 1u)], x < width);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let index = linear_index(workgroup, workgroups, local, 64u);
  if (index >= params.count) {
    return;
  }
  var level = 0u;
  while (level + 1u < params.level_count && index >= params.levels[2u * level + 2u].x) {
    level++;
  }
  let to = params.levels[2u * level];
  let source = params.levels[2u * level + 1u];
  let line = (index - to.x) / to.z;
  let column = 4u * ((index - to.x) % to.z);
  let y = line % to.y - params.border;
  let row = source.x + ((line / to.y) * source.y + y) * source.z;
  if (y < source.y) {
    aligned[index] = vec4f(
      pixel(row, column, source.z),
      pixel(row, column + 1u, source.z),
      pixel(row, column + 2u, source.z),
      pixel(row, column + 3u, source.z),
    );
  } else {
    aligned[index] = vec4f();
  }
}
